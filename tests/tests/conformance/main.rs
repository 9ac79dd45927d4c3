//! What hedgehog-core promises, shown case by case against the catalogue of OTP's and Elixir's behaviours.
//!
//! `cargo test --test conformance` runs all cases and ends with the count of covered rows; `--list`, `--exact` and a filter work as
//! for any test, and a row's id is a filter too. The rows stand in `tests/conformance/rows.csv`.

mod agents;
mod applications;
mod arguments;
mod auto_shutdown;
mod boot;
mod calls;
mod child_specs;
mod children;
mod dynamic;
mod dynamic_children;
mod dynamic_starts;
mod dynamic_stops;
mod faults;
mod groups;
mod histories;
mod intensity;
mod interrupted;
mod lifetime;
mod many_tasks;
mod names;
mod on_request;
mod partitions;
mod processes;
mod pubsub;
mod refused;
mod registries;
mod restart;
mod retries;
mod scale;
mod servers;
mod starts;
mod stop;
mod storm;
mod supervised_stack;
mod supervised_streams;
mod task_links;
mod task_streams;
mod task_supervisor;
mod tasks;
mod walkthrough;

use std::process::ExitCode;

use hedgehog_tests::conformance;

fn main() -> ExitCode {
    if let Ok(role) = std::env::var(applications::PROGRAM) {
        return applications::program(&role);
    }
    let suites = [
        child_specs::defaults::cases(),
        restart::types::cases(),
        intensity::window::cases(),
        intensity::limit::cases(),
        retries::of_one_child::cases(),
        retries::of_groups::cases(),
        groups::membership::cases(),
        groups::order::cases(),
        boot::sequence::cases(),
        boot::failure::cases(),
        children::start_child::cases(),
        children::terminate_child::cases(),
        children::queries::cases(),
        on_request::restart_child::cases(),
        on_request::delete_child::cases(),
        auto_shutdown::ends::cases(),
        auto_shutdown::refusals::cases(),
        starts::information::cases(),
        starts::declined::cases(),
        starts::failures::cases(),
        arguments::kept::cases(),
        refused::specs::cases(),
        refused::dynamic_specs::cases(),
        refused::escapes::cases(),
        scale::counts::cases(),
        scale::costs::cases(),
        supervised_stack::descriptions::cases(),
        supervised_stack::life::cases(),
        walkthrough::requests::cases(),
        walkthrough::exits::cases(),
        histories::strategies::cases(),
        histories::hanging_restarts::cases(),
        histories::dynamic::cases(),
        dynamic::children::cases(),
        dynamic_starts::supervisor::cases(),
        dynamic_children::starts::cases(),
        dynamic_children::restarts::cases(),
        dynamic_children::lookups::cases(),
        dynamic_stops::with_the_supervisor::cases(),
        dynamic_stops::by_themselves::cases(),
        stop::deadlines::cases(),
        stop::reasons::cases(),
        lifetime::parents::cases(),
        lifetime::incarnations::cases(),
        names::lifetime::cases(),
        registries::entries::unique::cases(),
        registries::entries::duplicate::cases(),
        registries::holders::ends::cases(),
        registries::holders::addresses::cases(),
        registries::queries::unique::cases(),
        registries::queries::duplicate::cases(),
        registries::queries::updates::cases(),
        registries::options::listeners::cases(),
        registries::options::metadata::cases(),
        registries::options::partitions::cases(),
        registries::locks::turns::cases(),
        storm::names::cases(),
        interrupted::starts::cases(),
        interrupted::stops::cases(),
        calls::references::cases(),
        faults::containment::cases(),
        faults::fencing::cases(),
        tasks::values::cases(),
        tasks::shutdown::cases(),
        many_tasks::many::cases(),
        task_links::links::cases(),
        task_links::origins::cases(),
        task_supervisor::tasks::cases(),
        task_streams::results::cases(),
        partitions::routing::cases(),
        partitions::resize::cases(),
        servers::starts::cases(),
        servers::calls::cases(),
        servers::stops::cases(),
        agents::state::cases(),
        applications::starts::cases(),
        applications::ends::cases(),
        applications::signals::cases(),
        processes::timers::cases(),
        processes::exits::cases(),
        processes::monitors::cases(),
        supervised_streams::results::cases(),
        pubsub::broadcasts::cases(),
        pubsub::subscriptions::cases(),
    ];
    conformance::main(suites.concat())
}
