//! The loops in C: compiled, linked to the shared library of the release, and loaded.

use core::ffi::{CStr, c_char, c_int, c_void};
use std::env;
use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::process::Command;

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

const NOW: c_int = 2;

pub(crate) struct Loops(*mut c_void);

impl Loops {
    pub(crate) fn open() -> Self {
        let executable = env::current_exe().unwrap();
        let libraries = executable.ancestors().nth(2).unwrap();
        assert!(libraries.join("libblindtally_c.so").exists(), "the shared library is not built");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let made = env::temp_dir().join(format!("blindtally-loops-{}.so", std::process::id()));
        let compiled = Command::new("cc")
            .args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(&made)
            .arg(folder.join("bench/loops.c"))
            .arg(format!("-I{}", folder.join("include").display()))
            .arg(format!("-L{}", libraries.display()))
            .arg(format!("-Wl,-rpath,{}", libraries.display()))
            .arg("-lblindtally_c")
            .status();
        assert!(compiled.expect("`cc` of the package `gcc` is needed").success(), "loops.c does not compile");
        let path = CString::new(made.to_str().unwrap()).unwrap();
        // SAFETY: a path with a NUL behind it, of a library whose loading does nothing else.
        let library = unsafe { dlopen(path.as_ptr(), NOW) };
        fs::remove_file(&made).unwrap();
        assert!(!library.is_null(), "what was compiled does not load");
        Self(library)
    }

    /// # Safety
    /// `F` is the type of a pointer to a function with the signature that the named one has.
    pub(crate) unsafe fn function<F>(&self, name: &CStr) -> F {
        assert_eq!(size_of::<F>(), size_of::<*mut c_void>());
        // SAFETY: the library stays open, and the name has a NUL behind it.
        let symbol = unsafe { dlsym(self.0, name.as_ptr()) };
        assert!(!symbol.is_null(), "{name:?} is not there");
        // SAFETY: as the caller promises.
        unsafe { core::mem::transmute_copy(&symbol) }
    }
}
