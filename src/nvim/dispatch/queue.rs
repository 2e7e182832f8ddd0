//! What the editor wants to see of the prompts that wait.

use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::{Callback, Dispatch, decode, encode, finish};
use crate::session::Request;

impl Dispatch {
    pub(super) fn of_queue(&self, method: &str, json: Json, callback: &Callback) -> Result<(), String> {
        if method == "queue" {
            let decode::OfSession { session_id: session, .. } = decode::read(method, json)?;
            let (reply, answer) = oneshot::channel();
            self.hub.send(Request::Queue { session, reply });
            finish(callback.clone(), answer, |waiting| encode::value(&waiting));
            return Ok(());
        }
        let queued: decode::Queued = decode::read(method, json)?;
        let want = queued.want()?;
        let (reply, answer) = oneshot::channel();
        self.hub.send(Request::Queued { session: queued.session_id, entry: queued.entry, want, reply });
        finish(callback.clone(), answer, |prompt| encode::value(&prompt));
        Ok(())
    }
}
