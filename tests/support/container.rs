//! What `docker exec -i box` is for its caller, without docker: another environment, and docker's own words when there is
//! no such box.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// The wrapper's words. The folder is the home there, and the box is there as long as there is a file of that name.
pub fn docker(folder: &Path) -> Vec<String> {
    let (home, path) = (folder.display(), std::env::var("PATH").expect("a PATH"));
    let text = format!(
        "#!/bin/sh\n[ \"$1 $2\" = 'exec -i' ] || exit 125\n\
         [ -e '{home}'/\"$3\" ] || {{ echo \"Error response from daemon: No such container: $3\" >&2; exit 1; }}\n\
         shift 3\nexec env -i PATH='{home}/bin:{path}' HOME='{home}' \"$@\"\n",
    );
    let program = folder.join("docker");
    executable(&program, &text);
    fs::write(folder.join("box"), "").expect("a file");
    [program.to_str().expect("a path"), "exec", "-i", "box"].map(str::to_owned).into()
}

pub fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}
