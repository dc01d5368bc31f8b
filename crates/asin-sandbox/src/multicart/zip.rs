//! ZIP archives whose entries are not compressed (APPNOTE.TXT 6.3).

/// Version 1.0, names in UTF-8, stored, at the beginning of the format's time.
const COMMON: [u8; 10] = [10, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];

/// An archive of files: names and contents.
pub(super) fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut sum = flate2::Crc::new();
        sum.update(content);
        let mut head = COMMON.to_vec();
        head.extend(sum.sum().to_le_bytes());
        head.extend(four(content.len()));
        head.extend(four(content.len()));
        head.extend(two(name.len()));
        head.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x0a\0");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend(four(archive.len()));
        directory.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(head);
        archive.extend(name.as_bytes());
        archive.extend(content);
    }
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend(two(files.len()));
    end.extend(two(files.len()));
    end.extend(four(directory.len()));
    end.extend(four(archive.len()));
    end.extend([0, 0]);
    archive.extend(directory);
    archive.extend(end);
    archive
}

fn two(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes()
}

fn four(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}
