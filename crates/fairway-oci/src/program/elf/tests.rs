use super::*;

/// An ELF file with one program header.
fn elf(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0u8; 64 + 56];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[32..40].copy_from_slice(&64u64.to_le_bytes());
    bytes[54..56].copy_from_slice(&56u16.to_le_bytes());
    bytes[56..58].copy_from_slice(&1u16.to_le_bytes());
    bytes[64..68].copy_from_slice(&kind.to_le_bytes());
    bytes[72..80].copy_from_slice(&120u64.to_le_bytes());
    bytes[96..104].copy_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

fn read(bytes: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    std::fs::write(&path, bytes).unwrap();
    interpreter(&path).unwrap()
}

#[test]
fn a_program_that_needs_a_dynamic_linker_is_told_apart() {
    assert_eq!(read(&elf(3, b"/lib64/ld-linux-x86-64.so.2\0")).as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
    assert_eq!(read(&elf(1, b"")), None);
}

#[test]
fn broken_and_other_files_are_read_without_harm() {
    let whole = elf(3, b"/lib/ld.so\0");
    for length in [0, 1, 10, 63, 64, 100] {
        assert_eq!(read(&whole[..length]), None);
    }
    assert_eq!(read(b"#!/bin/sh\n"), None);
    let mut lost = whole;
    lost[32..40].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    assert_eq!(read(&lost), None);
}
