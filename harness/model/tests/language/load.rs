use bridgelab_model::diagnostic::Diagnose;
use bridgelab_model::scenario::names::VariantName;
use bridgelab_model::scenario::step::Answer;
use bridgelab_model::scenario::{LoadedScenario, ScenarioErrors, load};

const GREEN: &str = "version = 1\nsummary = 'green'\n\
    [guests.a]\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n\
    [[checks]]\nid = 'up'\nfrom = 'host'\nping = { to = '192.168.1.1' }\n";

fn loaded(text: &str) -> Result<LoadedScenario, ScenarioErrors> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.toml");
    std::fs::write(&path, text).unwrap();
    load(&path)
}

fn messages(text: &str) -> Vec<String> {
    loaded(text)
        .unwrap_err()
        .faults()
        .map(|fault| fault.message.clone())
        .collect()
}

#[test]
fn the_base_lies_under_the_file() {
    let scenario = loaded(GREEN).unwrap().scenario(None).unwrap();
    assert_eq!(scenario.name, "some");
    let names: Vec<_> = scenario.machines.keys().map(AsRef::<str>::as_ref).collect();
    assert_eq!(names, ["desktop", "host", "internet", "router"]);
    let router = &scenario.machines["router"];
    assert!(
        router.forward
            && router
                .dnsmasq
                .as_ref()
                .is_some_and(|dnsmasq| dnsmasq.ra.is_some())
    );
    assert_eq!(scenario.guests["a"].mem, 1024);
}

#[test]
fn without_the_base_there_is_nothing() {
    let text = GREEN.replace("[guests", "base = 'none'\n[guests");
    assert_eq!(
        messages(&text),
        [
            "there is no machine `host`",
            "there is no machine, guest or container `host`"
        ]
    );
}

#[test]
fn a_machine_of_the_base_can_be_changed_and_taken_away() {
    let text = format!(
        "{GREEN}[machines.desktop]\nenabled = false\n[machines.internet.http]\nbody = 'other'\n"
    );
    let scenario = loaded(&text).unwrap().scenario(None).unwrap();
    assert!(!scenario.machines.contains_key("desktop"));
    let http = scenario.machines["internet"].http.as_ref().unwrap();
    assert_eq!((http.port, http.body.as_str()), (80, "other"));
}

#[test]
fn a_cable_of_the_base_goes_with_both_its_machines() {
    let gone = "enabled = false\n";
    let text = format!("{GREEN}[machines.internet]\n{gone}[machines.router]\n{gone}");
    let scenario = loaded(&text).unwrap().scenario(None).unwrap();
    assert_eq!(
        scenario
            .segments
            .keys()
            .map(AsRef::<str>::as_ref)
            .collect::<Vec<_>>(),
        ["lan"]
    );
}

#[test]
fn variants_say_what_must_fail_and_what_they_saw() {
    let text = format!(
        "{GREEN}[variants.red]\nsummary = 'red'\nmust_fail = ['up']\nseen = {{ up = 'no reply' }}\n\
         [variants.red.machines.desktop]\nforward = true\n\
         [variants.too]\n[[variants.too.checks]]\nid = 'new'\nfrom = 'a'\nwithin = '1m'\n\
         tcp = {{ to = '::1', port = 1 }}\n"
    );
    let loaded = loaded(&text).unwrap();
    let variant = |name: &str| {
        let name = VariantName::try_from(name).unwrap();
        loaded.scenario(Some(&name))
    };
    let red = variant("red").unwrap();
    assert_eq!(
        (red.summary.as_str(), red.must_fail["up"].as_str()),
        ("red", "no reply")
    );
    let too = variant("too").unwrap();
    assert_eq!((too.summary.as_str(), too.checks.len()), ("green", 2));
    assert_eq!(too.checks[1].times.within.as_secs(), 60);
    assert!(too.must_fail.is_empty());
    assert_eq!(
        variant("rde").unwrap_err().help().as_deref(),
        Some("did you mean `red`?")
    );
}

#[test]
fn a_fault_of_several_variants_is_told_once_with_their_names() {
    let text =
        format!("{GREEN}[variants.x.guests.a]\non = 'hots'\n[variants.y.guests.a]\nmem = 256\n");
    let errors = loaded(&text).unwrap_err();
    let variants: Vec<_> = errors.faults().map(|fault| fault.variants.len()).collect();
    assert_eq!(variants, [1]);
    let text = text.replace("id = 'up'", "id = 'up'\nnot = 1");
    let errors = loaded(&text).unwrap_err();
    let variants: Vec<_> = errors.faults().map(|fault| fault.variants.len()).collect();
    assert_eq!(
        variants,
        [0, 1],
        "a fault of the green form is nobody's in particular"
    );
}

#[test]
fn a_variant_takes_away_by_path_and_by_an_empty_table() {
    let text = format!(
        "{GREEN}[guests.a.sysctls]\n'net.ipv4.ip_forward' = '1'\n'net.ipv4.tcp_sack' = '0'\n\
         [guests.a.docker]\nlog-level = 'warn'\n\
         [variants.x]\nremove = ['guests.a.sysctls.net.ipv4.tcp_sack', 'machines.router.dnsmasq']\n\
         [variants.x.guests.a]\ndocker = {{}}\n"
    );
    let loaded = loaded(&text).unwrap();
    let name = VariantName::try_from("x").unwrap();
    let form = loaded.scenario(Some(&name)).unwrap();
    let guest = &form.guests["a"];
    assert!(guest.docker.is_none());
    assert_eq!(
        guest.sysctls.keys().collect::<Vec<_>>(),
        ["net.ipv4.ip_forward"]
    );
    assert!(form.machines["router"].dnsmasq.is_none());
    let green = loaded.scenario(None).unwrap();
    assert!(green.guests["a"].docker.is_some() && green.guests["a"].sysctls.len() == 2);
}

#[test]
fn a_check_that_is_not_enabled_is_not_in_the_form() {
    let text = format!(
        "{GREEN}[[checks]]\nid = 'other'\nenabled = false\nfrom = 'nobody'\nping = {{ to = '192.168.1.1' }}\n\
         [variants.x]\nchecks = [{{ id = 'other', enabled = true, from = 'host' }}, {{ id = 'up', enabled = false }}]\n"
    );
    let loaded = loaded(&text).unwrap();
    let ids: Vec<Vec<String>> = loaded
        .forms()
        .map(|form| {
            form.checks
                .iter()
                .map(|check| check.id.to_string())
                .collect()
        })
        .collect();
    assert_eq!(ids, [["up"], ["other"]]);
    let text = text.replace("[variants.x]\n", "[variants.x]\nmust_fail = ['up']\n");
    assert_eq!(
        messages(&text),
        ["check `up` must fail, and is not enabled"]
    );
}

#[test]
fn a_step_that_must_fail_must_be_refused_in_that_form_alone() {
    let text = format!(
        "{GREEN}[[steps]]\nid = 'down'\nmay_fail = true\nlink_down = {{ on = 'host', interface = 'eno1' }}\n\
         [[steps]]\nid = 'up-again'\nlink_up = {{ on = 'host', interface = 'eno1' }}\n\
         [variants.x]\nmust_fail = ['down', 'up-again']\nseen = {{ down = 'Cannot find' }}\n\
         machines.desktop.forward = true\n"
    );
    let loaded = loaded(&text).unwrap();
    let answers: Vec<Vec<_>> = loaded
        .forms()
        .map(|form| form.steps.iter().map(|step| step.answer.clone()).collect())
        .collect();
    let refused = |words: &str| Answer::Refused(words.to_owned());
    assert_eq!(
        answers,
        [
            vec![Answer::Either, Answer::Done],
            vec![refused("Cannot find"), refused("")]
        ]
    );
}
