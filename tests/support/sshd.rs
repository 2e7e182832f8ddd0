//! An OpenSSH server of our own on loopback, as the current user, with keys and a configuration that nobody else has.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::disallowed_methods, reason = "a server is started beside the code that may spawn")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use agor_nvim::keeper::tree::{self, Process};
use tempfile::TempDir;

pub struct Sshd {
    listener: Child,
    folder: TempDir,
}

/// The program; without one every test that needs it fails with a sentence that says what to install.
fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/get-sshd");
        let found = Command::new(script).output().expect("scripts/get-sshd");
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8(found.stdout).expect("a path").trim().to_owned()
    })
}

fn key(path: &Path) -> String {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "agor", "-f"]).arg(path).status();
    assert!(made.expect("ssh-keygen").success());
    fs::read_to_string(path.with_extension("pub")).expect("the public key")
}

impl Sshd {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let (host, user) = (key(&at("host")), key(&at("user")));
        fs::write(at("authorized"), user).expect("a file");
        // Another may take it before the server does; then the server says so and the test fails with its words.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let host = host.split(' ').take(2).collect::<Vec<_>>().join(" ");
        fs::write(at("known"), format!("[127.0.0.1]:{port} {host}\n")).expect("a file");
        let path = |name: &str| at(name).display().to_string();
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n",
            path("host"),
            path("authorized"),
        );
        fs::write(at("sshd_config"), server).expect("a file");
        let client = format!(
            "Host box\nHostName 127.0.0.1\nPort {port}\nIdentityFile {}\nIdentitiesOnly yes\nUserKnownHostsFile {}\n\
             GlobalKnownHostsFile none\nStrictHostKeyChecking yes\n",
            path("user"),
            path("known"),
        );
        fs::write(at("ssh_config"), client).expect("a file");
        let mut listener = Command::new(program())
            .args(["-D", "-e", "-f"])
            .arg(at("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut lines = BufReader::new(listener.stderr.take().expect("its stderr")).lines();
        let mut said = Vec::new();
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("the server did not start: {said:?}")).expect("a line");
            if line.starts_with("Server listening") {
                break;
            }
            said.push(line);
        }
        // Nobody may keep it from speaking.
        std::thread::spawn(move || lines.for_each(drop));
        Self { listener, folder }
    }

    /// What leads to it.
    pub fn wrap(&self) -> Vec<String> {
        let config = self.folder.path().join("ssh_config").display().to_string();
        ["ssh", "-F", &config, "box"].map(str::to_owned).into()
    }

    /// The machine is gone: the server, and its end of every connection. What was started there goes on.
    pub fn vanish(&mut self) {
        let own = i32::try_from(self.listener.id()).expect("a pid");
        let is_server = |process: &Process| process.command().starts_with("sshd");
        for process in tree::descendants(&tree::snapshot(), own).iter().filter(|process| is_server(process)) {
            let _ = process.kill();
        }
        let _ = self.listener.kill();
        let _ = self.listener.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.vanish();
    }
}
