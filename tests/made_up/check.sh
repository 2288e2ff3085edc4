# Run by .ci/made-up in a tree with a made-up kind of check, `alias`. $bridgelab is its program.

"$bridgelab" schema >scenarios/schema.json
grep --quiet '"alias": {' scenarios/schema.json
"$bridgelab" list --kinds | grep --fixed-strings 'holds when: ip link shows it'
"$bridgelab" list --help | grep --extended-regexp ', alias$'

cat >alias.toml <<'EOF'
version = 1
summary = "A link has the alias that a command gave it"

[[steps]]
id = "name-it"
run = { on = "desktop", command = ["ip", "link", "set", "eth0", "alias", "to-the-LAN"] }

[[checks]]
id = "named"
from = "desktop"
after = "name-it"
alias = { interface = "eth0", text = "to-the-LAN" }

[variants.another]
summary = "it is asked for another one"
must_fail = ["named"]
seen = { named = "has the alias \"to-the-LAN\"" }
checks = [{ id = "named", alias = { text = "to-the-WAN" } }]
EOF
"$bridgelab" run alias.toml --guests ghost
"$bridgelab" run alias.toml --guests ghost --variant another

# It is in the list of what a check can ask for, and a key of it that is misspelt is told.
sed '/^alias/d; /^checks/d' alias.toml >none.toml
if "$bridgelab" check none.toml 2>said; then exit 1; fi
grep --fixed-strings '`alias`' said
sed 's/text =/txet =/' alias.toml >misspelt.toml
if "$bridgelab" check misspelt.toml 2>>said; then exit 1; fi
grep --fixed-strings '`text`' said

"$bridgelab" schema --readme scenarios/README.md
grep --fixed-strings '| `alias` | `interface`: link; `text`: the alias |' scenarios/README.md
