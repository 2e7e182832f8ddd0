//! What can go wrong with a server, each as a sentence that says what to do. Knows nothing of connections.

use std::{fmt, time::Duration};

use serde_json::Value;

use super::{address::Address, http::HttpError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The model was offered tools and takes none.
    NoTools(String),
    /// The model was told how to think and cannot, or not so.
    NoThinking(String),
    /// The conversation does not fit the context any more.
    ContextFull(String),
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::NoTools(text) | Failure::NoThinking(text) | Failure::ContextFull(text) | Failure::Other(text)) =
            self;
        f.write_str(text)
    }
}

/// The request did not get as far as a reply.
pub(super) fn of_http(error: HttpError, address: &Address) -> Failure {
    Failure::Other(match error {
        HttpError::Connect(reason) if reason.contains("certificate") => format!(
            "{address} is not to be trusted ({reason}): have this machine trust the authority of its certificate, or name \
             the authority's file in SSL_CERT_FILE"
        ),
        HttpError::Connect(reason) if address.is_local() => format!(
            "Ollama does not answer at {address} ({reason}). Start it with `ollama serve`, or say where it is: \
             OLLAMA_HOST, or providers.ollama.env.OLLAMA_HOST. Then send the prompt again"
        ),
        HttpError::Connect(reason) => format!(
            "Ollama does not answer at {address} ({reason}). Does it run there, and listen to other machines \
             (OLLAMA_HOST=0.0.0.0 in its own environment)? Here the address is set by OLLAMA_HOST"
        ),
        HttpError::Broken(reason) => format!(
            "The connection to Ollama at {address} broke before it answered ({reason}). Send the prompt again; if it \
             happens again, the server's log says more"
        ),
    })
}

/// A connection on which nothing comes.
pub(super) fn silent(address: &Address, limit: Duration) -> Failure {
    let seconds = limit.as_secs();
    Failure::Other(format!(
        "{address} takes the request and says nothing for {seconds} s: is it an Ollama server? If it is, start it anew"
    ))
}

/// The stream ended without its last word.
pub(super) fn cut(address: &Address, reason: Option<&str>) -> Failure {
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    Failure::Other(format!(
        "The connection to Ollama at {address} was cut in the middle of the answer{reason}: what came is above. Send a \
         prompt to go on; if it happens again, the server's log says more"
    ))
}

/// The reply is no JSON.
pub(super) fn nonsense(address: &Address, text: &str) -> Failure {
    let head = head(text);
    Failure::Other(format!(
        "{address} answers with something that is not Ollama's: {head}. Is OLLAMA_HOST the address of an Ollama server?"
    ))
}

/// A line that is too long to be passed on.
pub(super) fn too_long(bytes: u64) -> Failure {
    Failure::Other(format!("Ollama sent a line of {bytes} bytes, more than can be taken: the answer ends here"))
}

/// A reply with a status other than 200.
pub(super) fn of_status(status: u16, location: &str, body: &[u8], model: &str, address: &Address) -> Failure {
    if (300..400).contains(&status) {
        let to = if location.is_empty() { "somewhere else" } else { location };
        return Failure::Other(format!(
            "{address} only points to {to} and is no Ollama server itself: set OLLAMA_HOST to where the server is"
        ));
    }
    let text = String::from_utf8_lossy(body);
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let Some(error) = value["error"].as_str().or_else(|| value["error"]["message"].as_str()) else {
        return match status {
            404 => Failure::Other(format!(
                "There is no Ollama server at {address} (404: {}): set OLLAMA_HOST to where it is",
                head(&text)
            )),
            502..=504 => Failure::Other(format!(
                "{address} answers that the server behind it does not ({status}): is Ollama running there?"
            )),
            _ => nonsense(address, &format!("{status} {text}")),
        };
    };
    if let Some(known) = known(error, model) {
        return known;
    }
    let sentence = match status {
        401 | 403 => {
            let open = value["signin_url"].as_str().map_or_else(String::new, |url| format!(", or open {url}"));
            format!(
                "Ollama does not let you use {model} ({error}): sign in with `ollama signin`{open}. Then send the \
                 prompt again"
            )
        }
        404 if !model.is_empty() => {
            format!("{model} is not there ({error}): get it with `ollama pull {model}`, or choose one with :Agor model")
        }
        429 => format!("Ollama's limit of requests is reached ({error}): wait a while and send the prompt again"),
        503 => format!("Ollama is busy ({error}): wait a moment and send the prompt again"),
        500.. => format!("Ollama failed ({status}: {error}): send the prompt again; the server's log says more"),
        _ => format!("Ollama refused the request ({status}: {error})"),
    };
    Failure::Other(sentence)
}

/// An error in the middle of a stream, where the status was 200 long ago.
pub(super) fn in_stream(error: &str, model: &str) -> Failure {
    known(error, model).unwrap_or_else(|| {
        Failure::Other(format!(
            "Ollama broke off ({error}): what came is above. Send a prompt to go on; the server's log says more"
        ))
    })
}

/// The conversation is too large before it is even sent.
pub(super) fn context_full(model: &str, needed: Option<u64>, num_ctx: u64) -> Failure {
    let needed = needed.map_or_else(String::new, |needed| format!("; it has about {needed} now"));
    Failure::ContextFull(format!(
        "The conversation is longer than the context of {model}, {num_ctx} tokens{needed}. The prompt was not taken into \
         it: send a shorter one, begin a new conversation with /clear, or ask for a larger context (--num-ctx, see :help \
         agor-ollama)"
    ))
}

/// Errors that are told by their text: Ollama has one status for many.
fn known(error: &str, model: &str) -> Option<Failure> {
    let lower = error.to_ascii_lowercase();
    if lower.contains("does not support tools") {
        return Some(Failure::NoTools(format!("{model} cannot call tools ({error})")));
    }
    if lower.contains("does not support thinking") || lower.contains("think value") {
        return Some(Failure::NoThinking(format!("{model} cannot be told how to think ({error})")));
    }
    // 0.33.0 says "the input length exceeds the context length" where `truncate` is false; llama.cpp's own server "the
    // request exceeds the available context size".
    if ["context length", "context size", "context window"].iter().any(|words| lower.contains(words)) {
        return Some(Failure::ContextFull(error.to_owned()));
    }
    if lower.contains("requires more system memory") {
        return Some(Failure::Other(format!(
            "{model} does not fit the memory of the server ({error}): choose a smaller one with :Agor model, or a smaller \
             context (--num-ctx, see :help agor-ollama)"
        )));
    }
    None
}

/// As much of an answer as a sentence bears, on one line.
fn head(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut head: String = line.chars().take(100).collect();
    if head.len() < line.len() {
        head.push('…');
    }
    if head.is_empty() { "nothing".to_owned() } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, body: &str) -> Failure {
        of_status(status, "https://elsewhere/", body.as_bytes(), "m:1b", &Address::default())
    }

    #[track_caller]
    fn check(failure: &Failure, words: &[&str]) {
        let sentence = failure.to_string();
        for word in words {
            assert!(sentence.contains(word), "{word:?} is not in: {sentence}");
        }
    }

    #[test]
    fn a_status_is_a_sentence_that_says_what_to_do() {
        check(&status(404, r#"{"error":"model 'm:1b' not found"}"#), &["`ollama pull m:1b`", ":Agor model"]);
        check(
            &status(401, r#"{"error":"unauthorized","signin_url":"https://ollama.com/c?x"}"#),
            &["`ollama signin`", "open https://ollama.com/c?x"],
        );
        check(&status(429, r#"{"error":"slow down"}"#), &["limit", "slow down"]);
        check(&status(503, r#"{"error":"server busy"}"#), &["busy", "send the prompt again"]);
        check(&status(500, r#"{"error":"model runner has unexpectedly stopped"}"#), &["500", "unexpectedly", "log"]);
        check(&status(400, r#"{"error":{"message":"what?"}}"#), &["refused", "400: what?"]);
        check(&status(307, ""), &["points to https://elsewhere/", "OLLAMA_HOST"]);
        check(&status(404, "404 page not found"), &["no Ollama server at http://127.0.0.1:11434"]);
        check(&status(502, "<html>Bad Gateway</html>"), &["behind it", "502"]);
        check(&status(418, "<html>\n tea </html>"), &["not Ollama's: 418 <html> tea </html>"]);
        check(&status(418, &"é".repeat(500)), &["é…"]);
        check(&status(500, r#"{"error":"model requires more system memory (9 GiB)"}"#), &["smaller one"]);
    }

    #[test]
    fn recorded_refusals_are_understood() {
        for (name, code, words) in [
            ("chat-404", 404, "`ollama pull m:1b`"),
            ("show-404", 404, "`ollama pull m:1b`"),
            ("chat-busy", 503, "busy"),
            ("chat-unauthorized", 401, "`ollama signin`"),
            ("chat-err-start", 500, "unexpectedly stopped"),
            ("chat-tools-unsupported", 400, "cannot call tools"),
            ("chat-think-unsupported", 400, "how to think"),
        ] {
            let path = format!("{}/tests/fixtures/ollama/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            let last: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
            check(&status(code, &last["msg"].to_string()), &[words]);
        }
    }

    #[test]
    fn what_is_tried_in_another_way_is_told_by_its_text() {
        let tools = r#"{"error":"registry.ollama.ai/library/m does not support tools"}"#;
        assert!(matches!(status(400, tools), Failure::NoTools(_)));
        assert!(matches!(status(400, r#"{"error":"\"m\" does not support thinking"}"#), Failure::NoThinking(_)));
        assert!(matches!(status(400, r#"{"error":"invalid think value: \"max\""}"#), Failure::NoThinking(_)));
        let long = r#"{"error":"the input length exceeds the context length"}"#;
        assert!(matches!(status(400, long), Failure::ContextFull(_)));
        assert!(matches!(in_stream("the request exceeds the available context size", "m"), Failure::ContextFull(_)));
        assert!(matches!(in_stream("the input length exceeds the context length", "m"), Failure::ContextFull(_)));
        check(&in_stream("an error was encountered", "m"), &["broke off (an error was encountered)"]);
    }

    #[test]
    fn a_server_that_is_not_there_can_be_started() {
        let refused = || HttpError::Connect("connection refused".into());
        check(
            &of_http(refused(), &Address::default()),
            &["http://127.0.0.1:11434", "connection refused", "`ollama serve`", "OLLAMA_HOST"],
        );
        let far = "10.0.0.7".parse().expect("an address");
        let sentence = of_http(refused(), &far).to_string();
        assert!(sentence.contains("http://10.0.0.7:11434") && !sentence.contains("ollama serve"), "{sentence}");
        check(&of_http(HttpError::Broken("reset".into()), &far), &["broke", "reset"]);
        let distrust = HttpError::Connect("invalid peer certificate: UnknownIssuer".into());
        check(&of_http(distrust, &far), &["not to be trusted", "UnknownIssuer", "SSL_CERT_FILE"]);
        check(&cut(&far, None), &["was cut in the middle of the answer: what came"]);
        check(&nonsense(&far, ""), &["not Ollama's: nothing"]);
    }
}
