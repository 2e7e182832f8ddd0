//! What the editor wants of grants: to allow something for longer, to see what holds, to take it back.

use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::{Callback, Dispatch, decode, encode, finish};
use crate::session::Request;

impl Dispatch {
    pub(super) fn of_grants(&self, method: &str, json: Json, callback: &Callback) -> Result<(), String> {
        match method {
            "grant" => {
                let decode::Grant { session_id: session, request_id, rule, scope } = decode::read(method, json)?;
                self.ask(callback, |reply| Request::Grant { session, request_id, rule, scope, reply });
            }
            "grants" => {
                let decode::Grants { cwd } = decode::read(method, json)?;
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Grants { around: cwd, reply });
                finish(callback.clone(), answer, |rows| encode::value(&rows));
            }
            _ => {
                let decode::Revoke { id, session_id: session, cwd } = decode::read(method, json)?;
                self.ask(callback, |reply| Request::Revoke { id, session, around: cwd, reply });
            }
        }
        Ok(())
    }
}
