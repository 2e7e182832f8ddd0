//! How the agent's standard descriptors and its [`Spec`] get from the backend to the keeper.
//!
//! The descriptors travel on the socket, so that nothing in the backend is ever inheritable, not even for a moment.

use std::{
    io::{self, IoSlice, IoSliceMut, Read},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::wire::Spec;

/// Sends the head of an encoded spec with the agent's stdin, stdout and stderr, as the first thing on a new socket,
/// which has room for it; the rest is for the caller to write. Returns how much is gone.
pub fn hand_over(socket: impl AsFd, spec: &[u8], stdio: [BorrowedFd<'_>; 3]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&stdio));
    let head = &spec[..spec.len().min(4)];
    Ok(sendmsg(socket, &[IoSlice::new(head)], &mut control, SendFlags::empty())?)
}

/// The keeper's side: waits for all of it. Fails when the backend is gone before.
pub fn receive(socket: &mut UnixStream) -> io::Result<(Spec, [OwnedFd; 3])> {
    let mut head = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    #[cfg(target_os = "linux")]
    let flags = RecvFlags::WAITALL | RecvFlags::CMSG_CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = RecvFlags::WAITALL;
    let got = recvmsg(&*socket, &mut [IoSliceMut::new(&mut head)], &mut control, flags)?;
    let mut stdio = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            stdio.extend(descriptors);
        }
    }
    let stdio = <[OwnedFd; 3]>::try_from(stdio).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    #[cfg(not(target_os = "linux"))]
    for descriptor in &stdio {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    socket.read_exact(&mut head[got.bytes..])?;
    let mut body = vec![0; Spec::length(head)];
    socket.read_exact(&mut body)?;
    let spec = Spec::decode(&body).map_err(io::Error::other)?;
    Ok((spec, stdio))
}
