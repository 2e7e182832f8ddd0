//! Images that go along with a prompt: read, known by their content, in base64. Waits for the disk; knows no sessions.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::domain::Prompt;

/// Larger ones are refused: agents would be, too.
const MOST: u64 = 10 * 1024 * 1024;

/// Puts the images' bytes and types into the prompt. An error is a sentence.
pub fn load(prompt: &mut Prompt, cwd: &Path) -> Result<(), String> {
    for image in &mut prompt.images {
        let path = cwd.join(&image.path);
        let bytes = bytes(&path)?;
        let mime = mime(&bytes).ok_or_else(|| {
            format!("{} is no image that agents know: they take PNG, JPEG, GIF and WebP", path.display())
        })?;
        image.mime = mime.to_owned();
        image.data = STANDARD.encode(bytes);
    }
    Ok(())
}

fn bytes(path: &PathBuf) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("the image {} cannot be read: {error}", path.display());
    // Opening what is no file might wait for ever.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(format!("the image {} is not a regular file", path.display()));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MOST {
        return Err(format!("the image {} is larger than {} MiB: make it smaller", path.display(), MOST >> 20));
    }
    Ok(bytes)
}

fn mime(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Image;

    fn loaded(folder: &Path, name: &str) -> Result<Image, String> {
        let image = Image { path: name.into(), ..Image::default() };
        let mut prompt = Prompt { images: vec![image], ..Prompt::new("look") };
        load(&mut prompt, folder)?;
        Ok(prompt.images.remove(0))
    }

    #[test]
    fn an_image_is_known_by_its_content() {
        let folder = tempfile::tempdir().expect("a folder");
        for (bytes, expect) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Some(("image/png", "iVBORw0KGgpyZXN0"))),
            (b"\xff\xd8\xff\xe0", Some(("image/jpeg", "/9j/4A=="))),
            (b"GIF89a", Some(("image/gif", "R0lGODlh"))),
            (b"RIFF\x00\x00\x00\x00WEBP", Some(("image/webp", "UklGRgAAAABXRUJQ"))),
            (b"<svg/>", None),
            (b"", None),
        ] {
            std::fs::write(folder.path().join("x.png"), bytes).expect("a file");
            let image = loaded(folder.path(), "x.png");
            let found = image.as_ref().ok().map(|image| (image.mime.as_str(), image.data.as_str()));
            assert_eq!(found, expect);
            assert!(image.err().is_none_or(|error| error.contains("PNG, JPEG, GIF and WebP")));
        }
    }

    #[test]
    fn what_cannot_be_taken_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        File::create(folder.path().join("big")).and_then(|file| file.set_len(MOST + 1)).expect("a file");
        for (name, why) in
            [("none", "cannot be read"), (".", "is not a regular file"), ("big", "is larger than 10 MiB")]
        {
            let error = loaded(folder.path(), name).expect_err("no image");
            assert!(error.contains(why), "{error}");
        }
    }
}
