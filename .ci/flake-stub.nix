# Evaluates a flake.nix against a stand-in for nixpkgs that builds nothing, and asserts what it must offer.
#
# The stand-in has the attributes below and no others, so a misspelt package or a function that flake.nix has
# begun to use shows up as "attribute missing". Whether nixpkgs still has them is for `nix flake check` to say.
# The value is the number of assertions that hold; one that does not hold ends the evaluation.
{ flake }:
let
  system = "x86_64-linux";
  root = dirOf flake;
  fail = what: throw "flake.nix: ${what}";
  need = what: holds: if holds then what else fail "does not hold: ${what}";

  derivation' = name: {
    type = "derivation";
    inherit name;
    outPath = "/stub/${name}";
  };
  isDerivation = value: (value.type or null) == "derivation";
  named = names: builtins.listToAttrs (map (name: { inherit name; value = derivation' name; }) names);

  lib = {
    optionals = condition: list: if condition then list else [ ];
    makeBinPath = packages: builtins.concatStringsSep ":" (map (p: "${p}/bin") packages);
    licenses = {
      mit.spdxId = "MIT";
      asl20.spdxId = "Apache-2.0";
    };
  };

  always = [
    "cargo" "cargo-nextest" "cloud-hypervisor" "clippy" "coreutils" "dbus" "dnsmasq" "e2fsprogs" "gnumake"
    "gnutar" "iproute2" "makeWrapper" "openssh" "perl" "pkg-config" "qemu" "rust-analyzer" "rustc" "rustfmt"
    "shadow" "shellcheck" "systemd" "tcpdump"
  ];
  sometimes = [ "debian-archive-keyring" "mmdebstrap" ];

  outputs =
    packages:
    let
      built = (import flake).outputs {
        self = root;
        nixpkgs = {
          inherit lib;
          legacyPackages.${system} = named packages // {
            mkShell = arguments: derivation' "shell" // { inherit arguments; };
            rustPlatform.buildRustPackage = arguments: derivation' arguments.pname // { inherit arguments; };
          };
        };
      };
    in
    # Everything, to the last string: a lazy evaluation finds a typing error only where it is looked at.
    builtins.deepSeq built built;

  contains = part: text: builtins.length (builtins.split part text) > 1;
  assertions =
    packages:
    let
      out = outputs packages;
      shell = out.devShells.${system}.default or (fail "has no devShells.${system}.default");
      package = out.packages.${system}.default or (fail "has no packages.${system}.default");
      app = out.apps.${system}.default or (fail "has no apps.${system}.default");
      manifest = builtins.fromTOML (builtins.readFile (root + "/Cargo.toml"));
    in
    [
      (need "inputs.nixpkgs has a url" ((import flake).inputs.nixpkgs ? url))
      (need "the dev shell is a derivation" (isDerivation shell))
      (need "the dev shell's packages are derivations" (builtins.all isDerivation shell.arguments.packages))
      (need "the dev shell has cargo" (builtins.any (p: p.name == "cargo") shell.arguments.packages))
      (need "the dev shell has QEMU on its PATH" (contains "/stub/qemu/bin" shell.arguments.shellHook))
      (need "the package is a derivation" (isDerivation package))
      (need "the package is bridgelab" (package.arguments.pname == "bridgelab"))
      (need "its version is the workspace's" (package.arguments.version == manifest.workspace.package.version))
      (need "its lock file exists" (builtins.pathExists package.arguments.cargoLock.lockFile))
      (need "its program finds dnsmasq" (contains "/stub/dnsmasq/bin" package.arguments.postInstall))
      (need "the app is the package's program" (app.program == "${package}/bin/bridgelab"))
      (need "every check is a derivation" (builtins.all isDerivation (builtins.attrValues out.checks.${system})))
    ]
    ++ (
      if builtins.elem "mmdebstrap" packages then
        [ (need "mmdebstrap is used where there is one" (contains "mmdebstrap" shell.arguments.shellHook)) ]
      else
        [ ]
    );
  held = assertions always ++ assertions (always ++ sometimes);
in
builtins.deepSeq held (builtins.length held)
