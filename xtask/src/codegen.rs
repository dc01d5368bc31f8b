pub fn run(_: &std::path::Path, _: bool) -> crate::spec::Outcome<bool> { Ok(true) }
