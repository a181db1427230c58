//! Whether an address is of this machine.

use std::net::IpAddr;

/// Whether `url` names this machine as its host, and no other by any reading.
pub(super) fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // What stands before an @ is a name to log on with, and the host follows.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) if is_port(port) => host,
            Some(_) | None => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) if is_number(port) => host,
            Some(_) => return false,
            None => authority,
        },
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_the_loopback() {
        for url in [
            "ws://127.0.0.1:9000",
            "http://localhost:9000/api",
            "wss://[::1]:443/ws",
            "http://127.8.8.8",
            "ws://[::1]",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "wss://stream.binance.com:9443",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com:80",
            "http://127.0.0.1@example.com",
            "http://127.0.0.1:80@example.com",
            "http://example.com/127.0.0.1",
            "http://example.com\\@127.0.0.1",
            "http://0.0.0.0:9000",
            "http://[::1].example.com",
            "http://127.1:80",
            "127.0.0.1",
            "http://",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
