//! Answers that have to be written to the disk first: beside the runtime, whose threads keep the sessions going and the editor
//! drawn, one after the other in the order in which they were found.

use rmpv::Value;
use tokio::{sync::mpsc, task::spawn_blocking};

use super::Callback;

type Work = Box<dyn FnOnce() -> Result<Value, String> + Send>;

/// Whoever writes them; ends with the last handle.
#[derive(Clone)]
pub(super) struct Beside(mpsc::UnboundedSender<(Callback, Work)>);

impl Beside {
    pub(super) fn start() -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel::<(Callback, Work)>();
        tokio::spawn(async move {
            while let Some((callback, work)) = receiver.recv().await {
                callback.done(on_disk(work).await);
            }
        });
        Self(sender)
    }

    /// The callback is told what comes of it.
    pub(super) fn tell(&self, callback: Callback, work: impl FnOnce() -> Result<Value, String> + Send + 'static) {
        // It is there as long as anybody could ask.
        let _ = self.0.send((callback, Box::new(work)));
    }
}

/// Waits for the disk elsewhere.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc as threads, time::Duration};

    use super::*;
    use crate::nvim::painter::Order;

    fn callback(id: u64) -> (Callback, mpsc::UnboundedReceiver<Order>) {
        let (orders, told) = mpsc::unbounded_channel();
        (Callback { id, orders }, told)
    }

    /// What the next answer is.
    async fn next(told: &mut mpsc::UnboundedReceiver<Order>) -> (u64, Result<Value, String>) {
        match told.recv().await {
            Some(Order::Reply { id, result }) => (id, result),
            _ => panic!("no answer"),
        }
    }

    #[tokio::test]
    async fn a_slow_disk_holds_up_what_follows_and_not_the_runtime() {
        let beside = Beside::start();
        let (first, mut told) = callback(1);
        let of = |id| Callback { id, ..first.clone() };
        let (go, disk) = threads::channel();
        let (begun, writes) = tokio::sync::oneshot::channel();
        beside.tell(of(1), move || {
            let _ = begun.send(());
            disk.recv_timeout(Duration::from_secs(20)).map_err(|error| error.to_string())
        });
        beside.tell(of(2), || Err("no room".to_owned()));
        beside.tell(of(3), || Ok(Value::from("three")));
        // The runtime has one thread here: were it the one that writes, it would never get to this.
        writes.await.expect("it is being written");
        assert!(told.try_recv().is_err(), "nothing was written yet");
        go.send(Value::from("one")).expect("it waits");
        assert_eq!(next(&mut told).await, (1, Ok(Value::from("one"))));
        assert_eq!(next(&mut told).await, (2, Err("no room".to_owned())));
        assert_eq!(next(&mut told).await, (3, Ok(Value::from("three"))));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_own_answer_only() {
        let beside = Beside::start();
        let (first, mut told) = callback(1);
        beside.tell(first.clone(), || panic!("oh"));
        beside.tell(Callback { id: 2, ..first }, || Ok(Value::Nil));
        assert!(next(&mut told).await.1.is_err_and(|error| error.contains("panic")));
        assert_eq!(next(&mut told).await, (2, Ok(Value::Nil)));
    }
}
