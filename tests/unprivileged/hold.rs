//! What a test that holds a lab is told before there is one.
#![expect(clippy::expect_used, reason = "fixtures of tests fail as tests do")]

use bridgelab_client::{Hold, NoLab, Scenario, toml::toml};

/// Why there is none, of a program whose scenarios are those of this tree.
async fn refused(hold: Hold) -> String {
    let error = hold.program(support::program()).ghosts().start().await;
    match error.expect_err("there is no lab") {
        NoLab::Invalid(told) => told,
        other => unreachable!("{other}"),
    }
}

#[tokio::test]
async fn a_mistake_in_a_scenario_of_code_comes_with_the_line_of_its_file() {
    support::turn::beside_others();
    let scenario = Scenario::new("a name that is misspelt").check(
        "up",
        toml! {
            from = "dekstop"
            ping = { to = "192.168.1.1" }
        },
    );
    let told = refused(Hold::built(&scenario).expect("room")).await;
    for words in [
        "scenario.toml:5:8",
        "there is no machine, guest or container `dekstop`",
        "did you mean `desktop`?",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_scenario_or_an_option_that_is_not_there_is_told_of() {
    support::turn::beside_others();
    let told = refused(Hold::scenario("simple-netwrok")).await;
    assert!(told.contains("did you mean `simple-network`?"), "{told}");
    let told = refused(Hold::scenario("simple-network").option("--evidense")).await;
    assert!(told.contains("--evidense"), "{told}");
}
