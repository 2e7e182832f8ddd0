//! What the editor wants of grants: to allow or refuse something for longer, to see what holds, to take it back, and what was
//! decided so far.

use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::{Callback, Dispatch, decode, encode, finish};
use crate::session::{Chosen, Request};

impl Dispatch {
    pub(super) fn of_grants(&self, method: &str, json: Json, callback: &Callback) -> Result<(), String> {
        match method {
            "grant" => {
                let decode::Grant { session_id: session, request_id, rule, scope, refuse } =
                    decode::read(method, json)?;
                let chosen = Chosen { rule, scope, refuse };
                self.ask(callback, |reply| Request::Grant { session, request_id, chosen, reply });
            }
            "weigh" => {
                let decode::Asked { session_id: session, request_id } = decode::read(method, json)?;
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Weigh { session, request_id, reply });
                finish(callback.clone(), answer, |counted| encode::value(&counted));
            }
            "audit" => {
                let (reply, answer) = oneshot::channel();
                self.hub.send(Request::Audit { reply });
                self.by_file(callback, answer);
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
