# Run by .ci/made-up in a tree with a made-up action of steps, `set_alias`. $bridgelab is its program.

"$bridgelab" schema >scenarios/schema.json
grep --quiet '"set_alias": {' scenarios/schema.json

cat >alias.toml <<'EOF'
version = 1
summary = "A link is given another description by a step"

[[steps]]
id = "alias"
set_alias = { on = "desktop", interface = "eth0", text = "to the LAN" }

[[checks]]
id = "alias-is-there"
from = "desktop"
after = "alias"
command = { run = ["ip", "link", "show", "eth0"], stdout = "alias to the LAN" }
EOF
"$bridgelab" plan alias.toml | grep --fixed-strings "ip -n desktop link set eth0 alias 'to the LAN'"
"$bridgelab" run alias.toml --guests ghost

# It is in the list of what a step can do, and a key of it that is misspelt is told.
sed '/^set_alias/d' alias.toml >none.toml
if "$bridgelab" check none.toml 2>said; then exit 1; fi
grep --fixed-strings '`set_alias`' said
sed 's/text =/txet =/' alias.toml >misspelt.toml
if "$bridgelab" check misspelt.toml 2>>said; then exit 1; fi
grep --fixed-strings '`text`' said

"$bridgelab" schema --readme scenarios/README.md
grep --fixed-strings '| `set_alias` | `on`' scenarios/README.md
"$bridgelab" list --kinds | grep --fixed-strings 'set_alias'
cargo test --quiet --test unprivileged -- layering::
