//! The image of one program: a static file on nothing, started as nobody in particular.

mod elf;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::build::{BuildImage, Contents, ImageSpec};
use crate::document::{Descriptor, Platform};
use crate::layout::Layout;

/// What stands in the image's history: one text for all who make such an image, or the same program would have several
/// digests.
const CREATED_BY: &str = "platform deploy";

/// Why no image was made of a program.
#[derive(Debug, thiserror::Error)]
pub enum ImageOfProgram {
    /// It cannot be read.
    #[error("read the program {}", path.display())]
    Read {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It needs what the image does not have.
    #[error("{name} was not linked statically: it needs {interpreter}, which the image does not have")]
    Dynamic {
        /// What it is called in the image.
        name: String,
        /// The dynamic linker it asks for.
        interpreter: String,
    },
    /// The image could not be built.
    #[error("make the image of {name}")]
    Build {
        /// What it is called in the image.
        name: String,
        /// Why not.
        source: BuildImage,
    },
}

impl Layout {
    /// Makes the image of a program: `/app/<name>`, which it starts. It has no name yet.
    pub fn image_of_program(&self, program: &Path, name: &str) -> Result<Descriptor, ImageOfProgram> {
        let read = |source| ImageOfProgram::Read { path: program.to_owned(), source };
        if let Some(interpreter) = elf::interpreter(program).map_err(read)? {
            return Err(ImageOfProgram::Dynamic { name: name.to_owned(), interpreter });
        }
        let build = |source| ImageOfProgram::Build { name: name.to_owned(), source };
        let mut contents = Contents::new();
        let inside = format!("app/{name}");
        contents.add_file(&inside, program, true).map_err(build)?;
        let spec = ImageSpec {
            platform: Platform::host(),
            entrypoint: vec![format!("/{inside}")],
            cmd: Vec::new(),
            env: BTreeMap::new(),
            working_dir: "/".to_owned(),
            exposed_ports: Vec::new(),
            labels: BTreeMap::new(),
            created_by: CREATED_BY.to_owned(),
        };
        self.build(None, &contents, &spec).map_err(build)
    }
}

#[cfg(test)]
mod tests;
