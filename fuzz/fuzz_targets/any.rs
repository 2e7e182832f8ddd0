//! libFuzzer over the target that `AGOR_FUZZ_TARGET` names. Without one: what every target begins with is written below
//! the folder `AGOR_FUZZ_PREPARE`, and each is named, with its longest input.
#![no_main]

use std::{env, fs, path::Path, process, sync::LazyLock};

use agor_nvim::fuzzing::{self, TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = env::var("AGOR_FUZZ_TARGET").unwrap_or_default();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    fuzzing::find(&name).unwrap_or_else(|| panic!("AGOR_FUZZ_TARGET has to be one of {}", names.join(" ")))
});

fn begin() {
    let Some(folder) = env::var_os("AGOR_FUZZ_PREPARE") else { return };
    for target in TARGETS {
        prepare(Path::new(&folder), target).expect("the folder can be written");
        println!("{} {}", target.name, target.longest);
    }
    process::exit(0);
}

fn prepare(folder: &Path, target: &Target) -> std::io::Result<()> {
    let seeds = folder.join("seeds").join(target.name);
    fs::create_dir_all(&seeds)?;
    for (number, seed) in (target.seeds)().into_iter().enumerate() {
        fs::write(seeds.join(format!("{number:03}")), seed)?;
    }
    let word = |word: &&str| word.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let words: String = target.words.iter().map(|text| format!("\"{}\"\n", word(text))).collect();
    fs::write(folder.join(format!("{}.dict", target.name)), words)
}

fuzz_target!(init: begin(), |data: &[u8]| {
    (TARGET.run)(data);
});
