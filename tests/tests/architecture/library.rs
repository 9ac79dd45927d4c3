//! The floors of hedgehog-core.

use crate::rules::{House, Never};

pub(crate) const HOUSE: House = House {
    krate: "hedgehog-core",
    floors: &[
        &[&["docs", "exit", "identity", "panic", "printing"]],
        &[&["incarnation"]],
        &[&[
            "actor_ref",
            "address",
            "monitor",
            "name",
            "start_error",
            "start_info",
            "timer",
        ]],
        &[&["adapter", "child_spec"]],
        &[&["pubsub", "registry"]],
        &[&[
            "dynamic_supervisor",
            "observe",
            "partition_supervisor",
            "supervisor",
            "task",
        ]],
        &[&["application"]],
        &[&["prelude"]],
    ],
    nevers: &[
        Never {
            from: &[""],
            to: &[
                "hedgehog_bin",
                "axum",
                "diesel",
                "diesel_async",
                "hyper",
                "reqwest",
                "rustls",
                "std::net",
                "tokio::net",
                "tokio_postgres",
                "tokio_tungstenite",
            ],
            why: "the library knows nothing of the program, of networks and of databases",
        },
        Never {
            from: &["incarnation"],
            to: &[
                "crate::observe",
                "crate::pubsub",
                "crate::registry",
                "crate::supervisor",
            ],
            why: "the life of an incarnation is the lowest thing there is: what it needs of others they hand to it",
        },
        Never {
            from: &["pubsub"],
            to: &["crate::registry", "crate::supervisor"],
            why: "topics work without supervisors and names",
        },
    ],
    pure: &[],
    debt: &[],
    circles: &[],
};
