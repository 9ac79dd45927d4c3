use super::*;

/// Loads with a file's content, variables and one flag.
fn load(file: &str, variables: &[(&str, &str)], seed_flag: Option<&str>) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("hedgehog.toml"), file).expect("it is writable");
    let flags = Flags {
        data_dir: Some(folder.path().into()),
        config: None,
        settings: seed_flag
            .map(|seed| ("simulator.seed", "--seed", seed.to_owned()))
            .into_iter()
            .collect(),
    };
    Config::load(
        &flags,
        variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned())),
    )
}

fn refusal(file: &str, variables: &[(&str, &str)], seed_flag: Option<&str>) -> String {
    load(file, variables, seed_flag).expect_err("refused").to_string()
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let file = "[simulator]\nseed = 2\nport = 4000\nrule = \"touch\"";
    let variables = [("HEDGEHOG_SIMULATOR_SEED", "3"), ("HEDGEHOG_SIMULATOR_PORT", "5000")];
    let config = load(file, &variables, Some("4")).expect("all are known");
    assert_eq!(
        config.simulator,
        SimulatorConfig {
            seed: Some(4),
            rule: FillRule::Touch,
            port: 5000
        }
    );
    assert_eq!(load("", &[], None).expect("defaults").simulator.seed, None);
}

#[test]
fn apps_are_a_list_in_the_file_and_a_comma_list_elsewhere() {
    let listed = load("apps = [\"streamer\", \"Warehouse\"]", &[], None)
        .expect("a list")
        .apps;
    assert!(listed.contains(App::Streamer) && listed.contains(App::Warehouse) && !listed.contains(App::Naive));
    let typed = load("", &[("HEDGEHOG_APPS", "streamer,warehouse")], None)
        .expect("a list")
        .apps;
    assert_eq!(typed, listed);
    assert!(refusal("apps = []", &[], None).contains("apps"));
}

#[test]
fn a_misspelt_key_is_refused_with_the_nearest_known_one() {
    let refused = refusal("[simulator]\nsead = 2", &[], None);
    assert!(
        refused.contains("hedgehog.toml") && refused.contains("\"simulator.sead\""),
        "{refused}"
    );
    assert!(refused.contains("did you mean \"simulator.seed\"?"), "{refused}");
    let refused = refusal("", &[("HEDGEHOG_SIMULATOR_SEDE", "2")], None);
    assert!(refused.contains("HEDGEHOG_SIMULATOR_SEED\"?"), "{refused}");
    let refused = refusal("sed = 2", &[], None);
    assert!(refused.contains("did you mean \"simulator.seed\"?"), "{refused}");
    let refused = refusal("", &[("HEDGEHOG_SEED", "2")], None);
    assert!(
        refused.contains("did you mean \"HEDGEHOG_SIMULATOR_SEED\"?"),
        "{refused}"
    );
    load("", &[("HEDGEHOG_XYZZY", "1"), ("PATH", "/bin")], None).expect("not ours");
}

#[test]
fn a_bad_value_names_its_place() {
    assert!(refusal("[simulator]\nseed = -1", &[], None).contains("simulator.seed: \"-1\" is not a whole number"));
    assert!(refusal("", &[("HEDGEHOG_NAIVE_PROFILE", "brave")], None).starts_with("HEDGEHOG_NAIVE_PROFILE: \"brave\""));
    assert!(refusal("", &[], Some("one")).starts_with("--seed: \"one\""));
}

#[test]
fn a_syntax_error_names_the_line_and_keeps_secrets() {
    let refused = refusal("\n[databases]\nnaive = postgres://u:hunter2@h/d", &[], None);
    assert!(refused.contains("hedgehog.toml, line 3"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
    let config = load("[databases]\nnaive = \"postgres://u:hunter2@h/d\"", &[], None).expect("a URL");
    assert!(config.databases.naive.starts_with("postgres://"));
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_file_that_was_asked_for_must_exist() {
    let flags = Flags {
        config: Some("no/such/file.toml".into()),
        ..Flags::default()
    };
    let refused = Config::load(&flags, []).expect_err("absent").to_string();
    assert!(refused.contains("no/such/file.toml"), "{refused}");
}

#[test]
fn a_relative_database_is_relative_to_the_file_it_stands_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hedgehog.toml");
    let text =
        "[databases]\nstreamer = 'a/streamer.db'\nnaive = '/abs/naive.db'\ndata_warehouse = 'postgres://host/x'\n";
    std::fs::write(&file, text).expect("is written");
    let flags = Flags {
        config: Some(file),
        ..Flags::default()
    };
    let databases = Config::load(&flags, []).expect("right").databases;
    let here = folder.path().join("a/streamer.db").display().to_string();
    assert_eq!(databases.streamer, here);
    assert_eq!(databases.naive, "/abs/naive.db");
    assert_eq!(databases.data_warehouse, "postgres://host/x");
    let variable = [("HEDGEHOG_DATABASES_STREAMER".to_owned(), "b.db".to_owned())];
    assert_eq!(
        Config::load(&flags, variable).expect("right").databases.streamer,
        "b.db"
    );
}

#[test]
fn memory_is_given_in_bytes_or_larger_units() {
    let read = |text: &str| {
        let variable = ("HEDGEHOG_WAREHOUSE_MEMORY".to_owned(), text.to_owned());
        Config::load(&Flags::default(), [variable]).map(|config| config.warehouse_memory)
    };
    for (text, bytes) in [("1024", 1024), ("64MiB", 64 << 20), ("1 gib", 1 << 30), ("8KiB", 8192)] {
        assert_eq!(read(text).expect(text), bytes);
    }
    for text in ["", "MiB", "-1", "1.5GiB", "64MB", "99999999999999GiB"] {
        read(text).expect_err(text);
    }
}

#[test]
fn an_empty_place_is_refused_wherever_it_stands() {
    for variable in ["HEDGEHOG_DATA_DIR", "HEDGEHOG_CONFIG"] {
        let refused = Config::load(&Flags::default(), [(variable.to_owned(), String::new())]).expect_err(variable);
        assert!(
            refused
                .to_string()
                .starts_with(&format!("{variable} is empty: name a ")),
            "{refused}"
        );
    }
    let flags = Flags {
        data_dir: Some(" ".into()),
        ..Flags::default()
    };
    assert_eq!(
        Config::load(&flags, []).expect_err("no folder").to_string(),
        "--data-dir is empty: name a folder, or leave it out"
    );
    let refused = data_dir_of(None, [("HEDGEHOG_DATA_DIR".to_owned(), String::new())]).expect_err("no folder");
    assert!(
        refused.to_string().starts_with("HEDGEHOG_DATA_DIR is empty"),
        "{refused}"
    );
    let refused = refusal("", &[("HEDGEHOG_DATABASES_NAIVE", "")], None);
    assert!(
        refused.starts_with("HEDGEHOG_DATABASES_NAIVE: \"\" is not the path of a SQLite file"),
        "{refused}"
    );
}

#[test]
fn apps_are_separated_by_commas_or_blanks() {
    let apps = |text: &str| load("", &[("HEDGEHOG_APPS", text)], None).map(|config| config.apps.to_string());
    assert_eq!(
        apps("naive streamer,warehouse").expect("three apps"),
        "streamer, naive, warehouse"
    );
    assert!(apps(" , ").is_err() && apps("naif").is_err());
}

#[test]
fn an_exchange_has_three_addresses_of_which_the_first_stands_for_the_others() {
    let file = "[exchange]\nrest = \"https://a.example\"\nws_api = \"wss://ws.example/ws-api/v3\"";
    let variables = [("HEDGEHOG_EXCHANGE_STREAMS", "wss://s.example:9443")];
    let read = |variables: &[_]| load(file, variables, None).expect("right").exchange.addresses();
    let brief = |addresses: Option<Addresses>| {
        let Addresses { rest, streams, ws_api } = addresses.expect("there is one");
        [rest, streams, ws_api].map(|address| address.brief())
    };
    assert_eq!(
        brief(read(&variables)),
        ["a.example:443", "s.example:9443", "ws.example:443"]
    );
    assert_eq!(brief(read(&[])), ["a.example:443", "a.example:443", "ws.example:443"]);
    assert_eq!(load("", &variables, None).expect("right").exchange.addresses(), None);

    let refused = refusal("", &[("HEDGEHOG_EXCHANGE_REST", "http://me:pass-word@host")], None);
    assert!(
        refused.contains("HEDGEHOG_EXCHANGE_REST") && !refused.contains("pass-word"),
        "{refused}"
    );
    let refused = refusal("[exchange]\nrest = \"host:80\"", &[], None);
    assert!(
        refused.contains("exchange.rest") && refused.contains("http, https"),
        "{refused}"
    );
}
