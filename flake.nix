{
  description = "Boots real MicroVMs on a real bridge and says, with evidence, whether they have the network they should have";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      # The guest images and the QEMU machine types are x86-64 only.
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      inherit (nixpkgs) lib;
      workspace = builtins.fromTOML (builtins.readFile ./Cargo.toml);

      # What a run calls. After the caller's PATH, never before it: newuidmap must be the system's set-uid one
      # where there is such a thing, and a cloud-hypervisor of one's own wins.
      runTools = [
        pkgs.cloud-hypervisor
        pkgs.coreutils
        pkgs.dbus
        pkgs.dnsmasq
        pkgs.e2fsprogs
        pkgs.gnutar
        pkgs.iproute2
        pkgs.openssh
        pkgs.qemu
        pkgs.shadow # newuidmap, newgidmap
        pkgs.systemd # networkd and networkctl
        pkgs.tcpdump
      ]
      # nixpkgs does not always have these; without them, guest images are built elsewhere.
      ++ lib.optionals (pkgs ? mmdebstrap) [ pkgs.mmdebstrap ]
      ++ lib.optionals (pkgs ? debian-archive-keyring) [ pkgs.debian-archive-keyring ];

      # ssh2 builds its own OpenSSL, which wants perl and make.
      buildTools = [
        pkgs.gnumake
        pkgs.perl
        pkgs.pkg-config
      ];

      # systemd-networkd is not on any PATH.
      systemdUnits = "${pkgs.systemd}/lib/systemd";

      bridgelab = pkgs.rustPlatform.buildRustPackage {
        pname = "bridgelab";
        inherit (workspace.workspace.package) version;
        src = self;
        cargoLock.lockFile = ./Cargo.lock;
        nativeBuildInputs = buildTools ++ [ pkgs.makeWrapper ];
        # The check phase runs the tests that need no privileges; those behind `vm` need /dev/net/tun.
        postInstall = ''
          mkdir -p $out/share/bridgelab
          cp -r scenarios images $out/share/bridgelab/
          wrapProgram $out/bin/bridgelab \
            --suffix PATH : ${lib.makeBinPath runTools} \
            --set-default BRIDGELAB_ROOT $out/share/bridgelab \
            --set-default BRIDGELAB_SYSTEMD ${systemdUnits}
        '';
        meta = {
          description = "Integration tests for bridged MicroVMs";
          license = [
            lib.licenses.mit
            lib.licenses.asl20
          ];
          platforms = [ system ];
          mainProgram = "bridgelab";
        };
      };
    in
    {
      packages.${system}.default = bridgelab;

      apps.${system}.default = {
        type = "app";
        program = "${bridgelab}/bin/bridgelab";
        meta.description = "Run a scenario, for example `nix run . -- run simple-network`";
      };

      checks.${system}.package = bridgelab;

      devShells.${system}.default = pkgs.mkShell {
        packages = buildTools ++ [
          pkgs.cargo
          pkgs.cargo-nextest
          pkgs.clippy
          pkgs.rust-analyzer
          pkgs.rustc
          pkgs.rustfmt
          pkgs.shellcheck
        ];
        BRIDGELAB_SYSTEMD = systemdUnits;
        shellHook = ''
          export PATH="$PATH:${lib.makeBinPath runTools}"
        '';
      };
    };
}
