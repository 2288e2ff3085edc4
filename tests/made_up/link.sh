# Run by .ci/made-up in a tree with a made-up kind of link, `pairs` of machines. $bridgelab is its program.

"$bridgelab" schema >scenarios/schema.json
grep --quiet '"pairs": {' scenarios/schema.json

cat >pairs.toml <<'TOML'
version = 1
summary = "Two ends of a veth on one machine"

[machines.desktop]
pairs.pair0 = { peer = "pair1", addresses = ["198.51.100.1/24"] }
routes = [{ to = "203.0.113.0/24", via = "198.51.100.2" }]
sysctls = { "net.ipv4.conf.pair0.rp_filter" = "2" }

[[checks]]
id = "pair-is-a-veth"
from = "desktop"
link = { interface = "pair0", kind = "veth" }

[[checks]]
id = "pair-has-its-address"
from = "desktop"
address = { interface = "pair0", address = "198.51.100.1/24" }

[[checks]]
id = "pair-has-its-sysctl"
from = "desktop"
sysctl = { key = "net.ipv4.conf.pair0.rp_filter", value = "2" }
TOML
"$bridgelab" plan pairs.toml >said
grep --fixed-strings 'ip -n desktop link add pair0 type veth peer name pair1' said
grep --fixed-strings 'ip -n desktop link set pair0 up' said
"$bridgelab" run pairs.toml --guests ghost

# What refers to links knows of it, and a key of it that is misspelt is told.
sed 's/"pair0", kind/"pair9", kind/' pairs.toml >other.toml
if "$bridgelab" check other.toml 2>said; then exit 1; fi
grep --fixed-strings '`pair0`' said
sed 's/peer =/pear =/' pairs.toml >misspelt.toml
if "$bridgelab" check misspelt.toml 2>said; then exit 1; fi
grep --fixed-strings 'did you mean `peer`?' said
sed 's/^pairs/piars/' pairs.toml >nobody.toml
if "$bridgelab" check nobody.toml 2>said; then exit 1; fi
grep --fixed-strings 'did you mean `pairs`?' said
cargo test --quiet --test unprivileged -- layering::
