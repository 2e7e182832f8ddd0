//! Worktrees beside any session: they are listed, looked at, merged, removed. Whoever works in one is stopped before it
//! goes.

use std::{collections::BTreeMap, path::Path};

use tokio::{sync::oneshot, task::JoinSet};

use super::{Hub, Living};
use crate::{
    domain::{ProviderConfig, SessionId, StartOptions},
    session::{
        reply::Reply,
        request::Input,
        worktree::{Answer, Ask},
    },
};

impl Hub {
    /// In the environment of whoever asks.
    pub(super) fn worktree(&self, ask: Ask, environ: BTreeMap<String, String>, reply: Reply<Answer>) {
        let inside = self.sessions.values().filter_map(|session| Some((session, session.living.as_ref()?)));
        let inside = inside.filter(|(_, living)| works_in(living, ask.path()));
        let inside = inside.map(|(session, living)| (session.inputs.clone(), ask.ends(living.summary.busy)));
        let inside: Vec<_> = inside.collect();
        let keeper = self.common.binary.path();
        tokio::spawn(async move {
            let mut leaving = JoinSet::new();
            for (inputs, ends) in &inside {
                let (left, when) = oneshot::channel();
                // One that has gone is not in the way either.
                if *ends && inputs.send(Input::Leave { reply: left }).is_ok() {
                    leaving.spawn(when);
                }
            }
            while leaving.join_next().await.is_some() {}
            let result = match SessionId::parse("worktree") {
                Ok(id) => {
                    let mut options = StartOptions::new(id, "", ProviderConfig::default(), ask.path().to_owned());
                    options.environ = environ;
                    ask.answer(&options, &keeper).await
                }
                Err(error) => Err(error.to_string()),
            };
            for (inputs, _) in inside {
                let _ = inputs.send(Input::LookAtWorktree);
            }
            let _ = reply.send(result);
        });
    }
}

fn works_in(living: &Living, path: &Path) -> bool {
    let summary = &living.summary;
    summary.worktree.as_ref().is_some_and(|worktree| Path::new(&worktree.path) == path)
        || Path::new(&summary.cwd).starts_with(path)
}
