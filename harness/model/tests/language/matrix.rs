use std::path::Path;

use bridgelab_model::scenario::{
    LoadedScenario, Scenario, ScenarioErrors, load_text, load_text_with,
};

/// Two guests of the base's host, one with two NICs.
const TWO: &str = "version = 1\nsummary = 'x'\n\
    [guests.a]\ninterfaces = [\n\
    { type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' },\n\
    { type = 'tap', id = 'vm-a.2', mac = '02:00:00:00:00:02' }]\n\
    [guests.b]\ninterfaces = [{ type = 'tap', id = 'vm-b', mac = '02:00:00:00:00:03' }]\n";

fn loaded(more: &str) -> Result<LoadedScenario, ScenarioErrors> {
    load_text(Path::new("a.toml"), format!("{TWO}{more}"))
}

/// Each form's name, and its queues of `vm-a`, `vm-a.2` and `vm-b`.
fn queues(more: &str) -> Vec<(String, [u8; 3])> {
    let loaded = loaded(more).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let of = |form: &Scenario| {
        let (a, b) = (&form.guests["a"].interfaces, &form.guests["b"].interfaces);
        [&a[0], &a[1], &b[0]].map(|one| one.nic.queues)
    };
    let forms = loaded.forms().map(|form| (form.form(), of(form)));
    forms.collect()
}

/// Each fault's line, its underlined text and its message.
fn faults(more: &str) -> Vec<(usize, String, String)> {
    let text = format!("{TWO}{more}");
    let errors = loaded(more).expect_err("faults");
    let told = errors.faults().map(|fault| {
        let underlined = text[fault.span.clone()].to_owned();
        (fault.line, underlined, fault.message.clone())
    });
    told.collect()
}

/// The line of the first of what a test adds.
const FIRST: usize = 9;

fn fault(line: usize, underlined: &str, message: &str) -> (usize, String, String) {
    let line = FIRST + line;
    (line, underlined.to_owned(), message.to_owned())
}

#[test]
fn a_key_of_an_interface_reaches_as_far_as_the_names_above_it_say() {
    let forms = |list: &[(&str, [u8; 3])]| {
        let owned = list
            .iter()
            .map(|(name, queues)| ((*name).to_owned(), *queues));
        owned.collect::<Vec<_>>()
    };
    assert_eq!(
        queues("[matrix]\nqueues = [1, 2]\n"),
        forms(&[("green,queues=1", [1, 1, 1]), ("green,queues=2", [2, 2, 2])])
    );
    assert_eq!(
        queues("[matrix.a]\nqueues = [3, 2]\n"),
        forms(&[
            ("green,a.queues=3", [3, 3, 1]),
            ("green,a.queues=2", [2, 2, 1])
        ])
    );
    assert_eq!(
        queues("[matrix.a]\n'vm-a.2'.queues = [4, 2]\nvm-a.queues = [2]\n[matrix.b]\nvcpu = [2]\n"),
        forms(&[
            (
                "green,a.vm-a.queues=2,a.vm-a.2.queues=4,b.vcpu=2",
                [2, 4, 1]
            ),
            (
                "green,a.vm-a.queues=2,a.vm-a.2.queues=2,b.vcpu=2",
                [2, 2, 1]
            ),
        ])
    );
    let again = loaded("[matrix.a.vm-a]\nqueues = [1, 2]\n").expect("forms");
    let one = again.named("green,a.vm-a.queues=2").expect("a form");
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].test_name("x"), "x::green::qemu::a.vm-a.queues=2");
    assert_eq!(again.named("green").expect("forms").len(), 2);
}

#[test]
fn machines_and_their_interfaces_have_a_matrix_too_the_bases_included() {
    let text = "[matrix.router]\nforward = [true, false]\nlan0.mtu = [1400]\n";
    let loaded = loaded(text).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let told = loaded.forms().map(|form| {
        let router = &form.machines["router"];
        let mtus: Vec<_> = router.interfaces.iter().map(|one| one.mtu).collect();
        (form.form(), router.forward, mtus)
    });
    let mtus = || vec![Some(1400), None];
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (
                "green,router.forward=true,router.lan0.mtu=1400".to_owned(),
                true,
                mtus()
            ),
            (
                "green,router.forward=false,router.lan0.mtu=1400".to_owned(),
                false,
                mtus()
            ),
        ]
    );
    // What the command line sets in guests is no key of machines.
    let text =
        format!("{TWO}[matrix.router.lan0]\nmtu = [1400, 1300]\n[matrix.a]\nmtu = [1400, 1300]\n");
    let imposed = ["mtu=1500".parse().expect("a key")];
    let loaded = load_text_with(Path::new("a.toml"), text, &imposed).expect("forms");
    let names: Vec<_> = loaded.forms().map(Scenario::form).collect();
    assert_eq!(
        names,
        [
            "green,router.lan0.mtu=1400,mtu=1500",
            "green,router.lan0.mtu=1300,mtu=1500"
        ]
    );
}

#[test]
fn an_interface_whose_name_is_in_the_matrix_goes_by_that_of_the_file() {
    let text = "[matrix.desktop.eth0]\nname = ['lan0', 'lan1']\nmtu = [1400]\n";
    let loaded = loaded(text).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let told = loaded.forms().map(|form| {
        let one = &form.machines["desktop"].interfaces[0];
        (one.name.to_string(), one.mtu)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("lan0".to_owned(), Some(1400)),
            ("lan1".to_owned(), Some(1400))
        ]
    );
}

#[test]
fn what_is_wrong_below_a_name_is_told_at_its_line() {
    let text = "[matrix.a.vm-a]\nqueues = [1, 99, 'two']\nqueus = [1]\nvcpu = [1]\nmtu = 1400\naddresses = [[]]\n\
        [matrix.a.vm-tset]\nqueues = [1]\n\
        [matrix.router.lan0]\nqueues = [2]\n\
        [matrix.nobody.x]\nqueues = [1]\n\
        [matrix.b]\nvm-b = {}\nforward = [true]\n";
    assert_eq!(
        faults(text),
        [
            fault(1, "99", "`queues` is out of range"),
            fault(1, "'two'", "`queues` takes an integer, not a string"),
            fault(2, "queus", "`queus` cannot be in a matrix"),
            fault(3, "vcpu", "`vcpu` cannot be in a matrix"),
            fault(4, "1400", "`mtu` takes an array of values, not an integer"),
            fault(5, "addresses", "`addresses` cannot be in a matrix"),
            fault(6, "vm-tset", "there is no interface `vm-tset` in guest `a`"),
            fault(9, "queues", "`queues` cannot be in a matrix"),
            fault(10, "nobody", "there is no guest or machine `nobody`"),
            fault(13, "vm-b", "`vm-b` has no keys in the matrix"),
            fault(14, "forward", "`forward` cannot be in a matrix"),
        ]
    );
}

#[test]
fn no_key_of_a_table_has_two_places_in_a_matrix() {
    let twice = "`queues` is in the matrix twice for one table";
    for text in [
        "[matrix]\nqueues = [1, 2]\n[matrix.a]\nqueues = [3]\n",
        "[matrix.a]\nqueues = [1, 2]\n[matrix.a.vm-a]\nqueues = [3]\n",
        "[matrix.b.vm-b]\nqueues = [1, 2]\n[matrix]\nqueues = [3]\n",
    ] {
        let told: Vec<_> = faults(text)
            .into_iter()
            .map(|(.., message)| message)
            .collect();
        assert_eq!(told, [twice], "{text}");
    }
    assert!(loaded("[matrix.a.vm-a]\nqueues = [1, 2]\n[matrix.b]\nqueues = [1]\n").is_ok());
}

#[test]
fn a_value_that_no_form_reads_is_a_fault_of_that_form() {
    let text = "[matrix.b.vm-b]\nqueues = [1, 2]\n[variants.renamed.guests.b]\n\
        interfaces = [{ type = 'tap', id = 'tap0', mac = '02:00:00:00:00:03' }]\n\
        [variants.gone]\nremove = ['guests.b']\n\
        [variants.own.guests.b]\n\
        interfaces = [{ type = 'tap', id = 'vm-b', mac = '02:00:00:00:00:03', queues = 4 }]\n";
    let errors = loaded(text).expect_err("faults");
    let told: Vec<_> = errors
        .faults()
        .map(|fault| {
            let variants: Vec<_> = fault.variants.iter().map(ToString::to_string).collect();
            (
                fault.line - FIRST,
                fault.message.as_str(),
                variants.join(" "),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, "there is no guest `b`", "gone".to_owned()),
            (
                0,
                "there is no interface `vm-b` in guest `b`",
                "renamed".to_owned()
            ),
            (
                7,
                "`queues` of `vm-b` of guest `b` is in the matrix as well",
                "own".to_owned()
            ),
        ]
    );
    let none = load_text(
        Path::new("a.toml"),
        "version = 1\nsummary = 'x'\n[matrix]\nqueues = [1, 2]\n".to_owned(),
    );
    let errors = none.expect_err("a fault");
    let told: Vec<_> = errors
        .faults()
        .map(|fault| fault.message.as_str())
        .collect();
    assert_eq!(
        told,
        ["`queues` is in the matrix, and no guest has an interface"]
    );
}

#[test]
fn keys_and_combinations_below_interfaces_are_limited_too() {
    let many: String = (0..65)
        .map(|n| format!("[matrix.a.x{n}]\nqueues = [1]\n"))
        .collect();
    assert_eq!(
        faults(&many),
        [fault(0, "a", "the matrix has more than 64 keys")]
    );
    let eight = |key: &str| format!("{key} = [1, 2, 3, 4, 5, 6, 7, 8]\n");
    let most = format!(
        "[matrix.a.vm-a]\n{}[matrix.b.vm-b]\n{}",
        eight("queues"),
        eight("queues")
    );
    assert_eq!(queues(&most).len(), 64);
    let more = format!("{most}mtu = [1400, 1500]\n");
    assert_eq!(
        faults(&more),
        [fault(0, "a", "the matrix has more than 64 combinations")]
    );
}

#[test]
fn a_fault_in_all_forms_of_a_variant_names_it_once() {
    let text = "[matrix.a.vm-a]\nqueues = [1, 2]\n[variants.x.guests.b]\non = 'hots'\n\
        [variants.y.guests.b]\non = 'hots'\n[variants.z.guests.b]\nmem = 64\n";
    let errors = loaded(text).expect_err("faults");
    let shown = errors.render(false);
    let told: Vec<_> = errors.faults().map(|fault| fault.variants.len()).collect();
    assert!(told.iter().all(|variants| *variants == 1), "{shown}");
    assert!(!shown.contains("`x`, `x`"), "{shown}");
}
