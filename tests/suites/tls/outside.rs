//! Clients that are not ours: openssl and curl. They block the test; what it asks has threads of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use outpost_demo::core::{CoreOptions, KeyPairSpec, ProviderSpec};
use outpost_tests::World;
use outpost_tests::certificates::{Authority, Kind};
use outpost_tests::folder::Folder;
use uuid::Uuid;

/// A world, an authority that clients trust, and one below it that issues.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) issuer: Authority,
    folder: Folder,
    roots: PathBuf,
}

impl Site {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let world = World::with(CoreOptions::default(), variables).await;
        let root = Authority::new();
        let folder = Folder::new();
        let roots = folder.write("roots.pem", root.pem());
        Self { world, issuer: root.below(), folder, roots }
    }

    /// A new certificate for these names, as core keeps it.
    pub(crate) fn issue(&self, names: &[&str], kind: Kind) -> KeyPairSpec {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let (certificate_pem, private_key_pem) = self.issuer.issue_kind(&names, kind);
        KeyPairSpec { name: format!("{kind:?}"), certificate_pem, private_key_pem }
    }

    /// Such a certificate, known to core.
    pub(crate) fn keypair(&self, names: &[&str], kind: Kind) -> Uuid {
        self.world.core.add_keypair(self.issue(names, kind))
    }

    /// A provider at `https://<host>`, open to everybody.
    pub(crate) fn provider(&self, host: &str, keypair: Uuid) -> ProviderSpec {
        let slug = host.replace('.', "-");
        ProviderSpec::proxy(&slug, &format!("https://{host}"), &self.world.app.url())
            .certificate(keypair)
            .skip("^/")
    }

    /// A handshake of `openssl s_client` under this name, with the chain checked; gives all it says.
    pub(crate) fn openssl(&self, name: &str, more: &[&str]) -> String {
        openssl(self.world.https(), &self.roots, name, more)
    }

    /// A request of curl for `https://<host>/json`; gives `<status> <version>`.
    pub(crate) fn curl(&self, host: &str, more: &[&str]) -> String {
        let port = self.world.https().port();
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"])
            .args(["--output", "/dev/null", "--write-out", "%{http_code} %{http_version}"])
            .args(["--resolve", &format!("*:{port}:127.0.0.1"), "--cacert"])
            .arg(&self.roots)
            .args(more)
            .arg(format!("https://{host}:{port}/json"))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return said;
        }
        format!("{said}: {}", String::from_utf8_lossy(&output.stderr))
    }
}

fn openssl(at: SocketAddr, roots: &Path, name: &str, more: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &at.to_string(), "-servername", name])
        .args(["-verify_hostname", name, "-CAfile"])
        .arg(roots)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

/// Whether a handshake came about and its chain was accepted.
pub(crate) fn verified(said: &str) -> bool {
    said.contains("Verify return code: 0 (ok)")
        && said.contains("Cipher is ")
        && !said.contains("Cipher is (NONE)")
}

/// Whether no handshake came about.
pub(crate) fn refused(said: &str) -> bool {
    said.contains("Cipher is (NONE)") && said.contains("alert")
}
