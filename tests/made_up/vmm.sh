# Run by .ci/made-up in a tree with a made-up VMM, `madeup`. $bridgelab is its program.

"$bridgelab" schema >scenarios/schema.json
grep --quiet '"madeup"' scenarios/schema.json

cat >madeup.toml <<'TOML'
version = 1
summary = "A guest of a VMM that is made up"
needs = ["madeup"]

[guests.any]
image = "tiny"
hypervisor = "madeup"
interfaces = [{ type = "tap", id = "vm-any", mac = "02:00:00:00:00:01" }]
TOML
"$bridgelab" plan madeup.toml | grep --fixed-strings "madeup-vmm boot --cpus 1 --mem 128"
"$bridgelab" plan madeup.toml | grep --fixed-strings "tap=vm-any,mac=02:00:00:00:00:01"

# The machine is searched for it, and people are told where it comes from.
"$bridgelab" doctor >said || true
grep '^  madeup  *absent  *`madeup-vmm` is not on PATH; it is made up' said
grep --fixed-strings 'for: scenarios with hypervisor = "madeup"' said

# It is suggested, and what it lacks is told in its own words.
sed 's/^hypervisor = .*/hypervisor = "madeupp"/' madeup.toml >misspelt.toml
if "$bridgelab" check misspelt.toml 2>said; then exit 1; fi
grep --fixed-strings 'did you mean `madeup`?' said
sed 's/mac =/queues = 2, mac =/' madeup.toml >queues.toml
if "$bridgelab" check queues.toml 2>said; then exit 1; fi
grep --fixed-strings 'madeup has never heard of queues' said

INSTA_UPDATE=always cargo test --quiet --test unprivileged -- vmms::
grep --fixed-strings '| kvmtool | madeup |' harness/docs/hypervisors.md
grep --fixed-strings '`"kvmtool"`, `"madeup"` | `"qemu"`' scenarios/README.md
cargo test --quiet --test unprivileged -- layering:: vmms::
