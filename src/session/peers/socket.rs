//! The sockets: a private folder of them, made, listed, connected to. Waits for the disk; knows nothing of what is said.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use tokio::net::{UnixListener, UnixStream};

/// The address of a socket holds 104 to 108 bytes, and folders may be deep.
const MOST_ADDRESS: usize = 100;

/// Makes the folder, and a socket of this name in it that has its name when it can be connected to.
pub(super) fn bind(folder: &Path, name: &str) -> io::Result<UnixListener> {
    private(folder)?;
    let (begun, named) = (format!(".{name}"), folder.join(name));
    let _ = fs::remove_file(folder.join(&begun));
    let listener = {
        let address = Address::of(folder, &begun)?;
        UnixListener::bind(&address.path)?
    };
    let begun = folder.join(begun);
    let made = fs::set_permissions(&begun, Permissions::from_mode(0o600)).and_then(|()| fs::rename(&begun, &named));
    if let Err(error) = made {
        let _ = fs::remove_file(&begun);
        return Err(error);
    }
    Ok(listener)
}

/// A folder that nobody else can look into.
fn private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::symlink_metadata(folder)?;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is no folder of this user's own"));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Those that somebody may listen on.
pub(super) fn names(folder: &Path) -> Vec<String> {
    // One that is somebody else's, or a link, is not looked into.
    let own = fs::symlink_metadata(folder)
        .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw());
    let entries = own.then(|| fs::read_dir(folder).ok()).flatten();
    let name = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_socket = entry.file_type().is_ok_and(|kind| kind.is_socket());
        (is_socket && name.ends_with(".sock") && !name.starts_with('.')).then_some(name)
    };
    entries.into_iter().flatten().flatten().filter_map(name).collect()
}

/// One on which nobody listens any more is removed.
pub(super) async fn connect(folder: &Path, name: &str) -> io::Result<UnixStream> {
    let address = Address::of(folder, name)?;
    let connected = UnixStream::connect(&address.path).await;
    if connected.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        let _ = fs::remove_file(folder.join(name));
    }
    connected
}

/// A path that fits into a socket's address, for as long as this is there.
struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

impl Address {
    fn of(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name);
        if path.as_os_str().len() <= MOST_ADDRESS {
            return Ok(Self { path, _folder: None });
        }
        if !Path::new("/proc/self/fd").exists() {
            return Err(io::Error::other("its path is too long for a socket"));
        }
        let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits();
        let folder = File::options().read(true).custom_flags(flags.cast_signed()).open(folder)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
        Ok(Self { path, _folder: Some(folder) })
    }
}
