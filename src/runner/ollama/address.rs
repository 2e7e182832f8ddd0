//! Where the server is: `OLLAMA_HOST` in all the forms that Ollama itself takes. Knows nothing of connections.

use std::{fmt, net::IpAddr, str::FromStr};

/// Of a server on this machine, where nobody said another.
const PORT: u16 = 11434;
const LOOPBACK: &str = "127.0.0.1";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) tls: bool,
    /// A name, or an IP address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What stands before `/api`, without a slash at its end; mostly empty.
    pub(super) path: String,
}

impl Default for Address {
    fn default() -> Self {
        Self { tls: false, host: LOOPBACK.into(), port: PORT, path: String::new() }
    }
}

impl Address {
    /// On this machine: then it can be started here.
    pub(super) fn is_local(&self) -> bool {
        self.host == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }

    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// As the `Host` header has it.
    pub(super) fn authority(&self) -> String {
        match self.ip() {
            Some(IpAddr::V6(ip)) => format!("[{ip}]:{}", self.port),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl FromStr for Address {
    type Err = String;

    /// `host`, `host:port`, `:port`, `[v6]:port`, `v6`, each with an optional scheme and path. An address that a server
    /// listens on (`0.0.0.0`) means this machine. An error is a sentence.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_matches(['"', '\'']).trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let (tls, port) = match scheme.as_deref() {
            None if rest == "ollama.com" => (true, 443),
            None => (false, PORT),
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            Some(other) => return Err(format!("'{text}' begins with {other}://: an Ollama server has http or https")),
        };
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        if place.contains('@') {
            return Err("a user and a password in the address are not supported: leave them out".to_owned());
        }
        let (host, given) = split(place).ok_or_else(|| format!("'{text}' has no host and port that make sense"))?;
        let port = match given {
            None | Some("") => port,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| format!("'{digits}' in '{text}' is no port: it is a number from 1 to 65535"))?,
        };
        let path = path.trim_end_matches('/');
        if !host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:%".contains(c)) || !path.bytes().all(is_plain) {
            return Err(format!("'{text}' is no address: it is written like 192.168.1.5:11434 or https://host/path"));
        }
        let host = match host {
            "" | "0.0.0.0" => LOOPBACK,
            "::" => "::1",
            host => host,
        };
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { tls, host: host.to_owned(), port, path })
    }
}

/// Host and port; an IPv6 address stands alone, or in brackets.
fn split(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            rest => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    if place.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some((place, None));
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((place, None)),
    }
}

/// What may stand in the path of a request as it is.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'<' | b'>' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let address = text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(address.as_deref(), Ok(expect), "{text:?}");
    }

    #[test]
    fn every_form_that_ollama_takes_is_taken() {
        check("", "http://127.0.0.1:11434");
        check("box", "http://box:11434");
        check("box:80", "http://box:80");
        check(":8080", "http://127.0.0.1:8080");
        check("http://box", "http://box:80");
        check("HTTPS://box", "https://box:443");
        check("https://box:8443/ollama/", "https://box:8443/ollama");
        check("http://box/a/b", "http://box:80/a/b");
        check("ollama.com", "https://ollama.com:443");
        check("box:", "http://box:11434");
        check(" \"box:1\" ", "http://box:1");
        check("10.0.0.7:11434/", "http://10.0.0.7:11434");
    }

    #[test]
    fn an_ipv6_address_needs_brackets_only_for_a_port() {
        check("::1", "http://[::1]:11434");
        check("[::1]", "http://[::1]:11434");
        check("[fe80::1]:80", "http://[fe80::1]:80");
        check("http://[::1]:1/x", "http://[::1]:1/x");
    }

    #[test]
    fn what_a_server_listens_on_is_this_machine() {
        check("0.0.0.0", "http://127.0.0.1:11434");
        check("0.0.0.0:9", "http://127.0.0.1:9");
        check("[::]:9", "http://[::1]:9");
        for (text, local) in [("localhost", true), ("127.0.0.5", true), ("::1", true), ("box", false)] {
            assert_eq!(text.parse::<Address>().expect("an address").is_local(), local, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for (text, word) in [
            ("ftp://box", "http or https"),
            ("box:port", "no port"),
            ("box:70000", "no port"),
            ("box:0", "no port"),
            ("a:b:c", "make sense"),
            ("[::1", "make sense"),
            ("[x]:1", "make sense"),
            ("bo x", "no address"),
            ("box/a b", "no address"),
            ("box/?a", "no address"),
            ("http://user:secret@box", "not supported"),
        ] {
            let error = text.parse::<Address>().expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
            assert!(!error.contains("secret"));
        }
    }
}
