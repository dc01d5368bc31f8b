//! `cargo xtask bench sandbox`: how many small answers a second `asin sandbox` gives on one core.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::conformance::{Any, Sandbox};
use crate::spec::Outcome;

/// What the sandbox should give, so that it is never what a benchmark of clients measures.
const ENOUGH: f64 = 15_000.0;

/// `false` if a kind of answer comes too slowly.
pub fn command(root: &Path, seconds: u32) -> Outcome<bool> {
    sandbox(root, seconds).map_err(|error| error.to_string())
}

fn sandbox(root: &Path, seconds: u32) -> Any<bool> {
    if Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return Err("no wrk on this machine (Debian's package `wrk`)".into());
    }
    let folder = std::env::temp_dir().join(format!("asin-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(root, &folder, seconds);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure(root: &Path, folder: &Path, seconds: u32) -> Any<bool> {
    let sandbox = Sandbox::start(root, folder, true)?;
    let pinned = pin(sandbox.id());
    println!(
        "{}",
        if pinned { "the sandbox on core 0, wrk on core 1" } else { "no taskset: neither is bound to a core" }
    );
    let token = token(&sandbox)?;
    let basic = format!(
        "Basic {}",
        base64(&format!("{}:{}", sandbox.get("DATAFORSEO_LOGIN"), sandbox.get("DATAFORSEO_PASSWORD")))
    );
    let key = sandbox.get("MULTICART_API_KEY");
    let item = format!(
        "{}/listings/2021-08-01/items/{}/LAMP%2001?marketplaceIds={}",
        sandbox.get("SP_API_BASE_URL"),
        sandbox.get("SELLER_ID"),
        sandbox.get("MARKETPLACE_ID")
    );
    let mut enough = true;
    for (what, method, url, headers, body) in [
        ("SP-API getListingsItem", "GET", item.clone(), vec![("x-amz-access-token", token.as_str())], ""),
        (
            "SP-API patchListingsItem",
            "PATCH",
            item,
            vec![("x-amz-access-token", token.as_str()), ("content-type", "application/json")],
            r#"{"productType":"PRODUCT","patches":[{"op":"replace","path":"/attributes/purchasable_offer","value":[{"our_price":[{"schedule":[{"value_with_tax":19.5}]}]}]}]}"#,
        ),
        (
            "DataForSEO tasks_ready",
            "GET",
            format!("{}/v3/merchant/amazon/asin/tasks_ready", sandbox.get("DATAFORSEO_BASE_URL")),
            vec![("authorization", basic.as_str())],
            "",
        ),
        (
            "DataForSEO task_post, one task",
            "POST",
            format!("{}/v3/merchant/amazon/asin/task_post", sandbox.get("DATAFORSEO_BASE_URL")),
            vec![("authorization", basic.as_str()), ("content-type", "application/json")],
            r#"[{"asin":"B0CONFORM1","location_code":2840,"language_code":"en_US"}]"#,
        ),
        (
            "MultiCart users.credits",
            "POST",
            format!("{}/users/credits/", sandbox.get("MULTICART_BASE_URL")),
            vec![("x-api-key", key), ("content-type", "application/json")],
            "{}",
        ),
    ] {
        let script = folder.join("call.lua");
        std::fs::write(&script, lua(method, &headers, body))?;
        let before = cpu_seconds(sandbox.id());
        let mut wrk = if pinned { Command::new("taskset") } else { Command::new("wrk") };
        if pinned {
            wrk.args(["-c", "1", "wrk"]);
        }
        let ran = wrk.args(["-t1", "-c32", &format!("-d{seconds}s"), "-s"]).arg(&script).arg(&url).output()?;
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let number =
            |line: &str| said.lines().find_map(|text| text.trim().strip_prefix(line)?.trim().parse::<f64>().ok());
        let rate = number("Requests/sec:")
            .ok_or_else(|| format!("wrk says: {said}{}", String::from_utf8_lossy(&ran.stderr)))?;
        if said.contains("Non-2xx") {
            return Err(format!("{what}: not all answers are good: {said}").into());
        }
        let calls = rate * f64::from(seconds);
        // Where others use the machine too, the clock on the wall measures them; processor time is the sandbox's own.
        let (own, words) = match (before, cpu_seconds(sandbox.id())) {
            (Some(before), Some(after)) if after > before => {
                let own = calls / (after - before);
                (own, format!("{own:>9.0} for a second of its processor, {:.1} µs each", 1e6 / own))
            }
            _ => (rate, String::new()),
        };
        println!("{what:<34} {rate:>9.0} answers a second  {words}");
        enough &= own >= ENOUGH;
    }
    println!("{}", if enough { "enough: 15,000 or more of each" } else { "not enough: 15,000 are wanted of each" });
    Ok(enough)
}

/// Binds a process to the first core.
fn pin(process: u32) -> bool {
    let bound =
        Command::new("taskset").args(["-a", "-c", "-p", "0", &process.to_string()]).stdout(Stdio::null()).status();
    bound.is_ok_and(|status| status.success())
}

/// What wrk sends.
fn lua(method: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut script = format!("wrk.method = \"{method}\"\n");
    for (name, value) in headers {
        script += &format!("wrk.headers[\"{name}\"] = \"{value}\"\n");
    }
    if !body.is_empty() {
        script += &format!("wrk.body = [==[{body}]==]\n");
    }
    script
}

/// The processor time of a process, where the system tells it as Linux does: in hundredths of a second.
fn cpu_seconds(process: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

/// An access token of the sandbox's shop, by a request written by hand: this program has no HTTP client.
fn token(sandbox: &Sandbox) -> Any<String> {
    use std::io::{Read, Write};
    let url = sandbox.get("SP_API_BASE_URL").trim_start_matches("http://").to_owned();
    let body = serde_json::json!({
        "grant_type": "refresh_token",
        "refresh_token": sandbox.get("REFRESH_TOKEN_1"),
        "client_id": sandbox.get("SP_API_CLIENT_ID"),
        "client_secret": sandbox.get("SP_API_CLIENT_SECRET"),
    })
    .to_string();
    let mut connection = std::net::TcpStream::connect(&url)?;
    let head = format!(
        "POST /auth/o2/token HTTP/1.1\r\nHost: {url}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    );
    write!(connection, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let answer: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").ok_or("no answer")?.1)?;
    Ok(answer["access_token"].as_str().ok_or("no token")?.to_owned())
}

/// Base64 of a short text.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let letter = (bits >> (18 - 6 * index) & 63) as usize;
            coded.push(if index <= chunk.len() { char::from(LETTERS[letter]) } else { '=' });
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_what_it_should_be() {
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("a:b~", "YTpifg==")] {
            assert_eq!(super::base64(text), coded);
        }
    }
}
