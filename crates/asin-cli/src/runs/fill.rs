//! The tasks of a run, read piece by piece from a file or stream of any size.

use crate::failure::Failure;
use crate::paid::address;
use asin_facade::Marketplace;
use asin_facade::core_http::Asin;
use asin_facade::dataforseo_merchant::webhook::Token;
use asin_facade::dataforseo_merchant::{
    AsinTask, Language, Location, Mode, Priority, SellersTask, TaskRequest, WebhookUrl,
};
use rust_decimal::Decimal;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use tokio::sync::mpsc;
use url::Url;

/// What the lines say, and how soon they are answered.
#[derive(Debug, Clone, clap::Args)]
pub struct Source {
    /// The lines are ASINs, of this store: a country code such as DE, or Amazon's identifier
    #[arg(short, long, value_name = "STORE")]
    marketplace: Option<Marketplace>,
    /// What is asked about ASINs
    #[arg(long, value_name = "WHAT", default_value = "sellers")]
    ask: Ask,
    /// How soon all are answered: standard within 45 minutes, priority within minutes for twice the price [default: as each
    /// task says]
    #[arg(long, value_name = "MODE", value_parser = super::mode)]
    mode: Option<Mode>,
    /// Have results posted to the `asin receive --database` that the vendor sees at this address; a secret of the run
    /// is added, made from that of ASIN_WEBHOOK_TOKEN, else from the one that `asin receive` keeps here
    #[arg(long, value_name = "URL")]
    postback: Option<Url>,
    /// The same with the secret.
    #[arg(skip)]
    to: Option<WebhookUrl>,
}

/// What is asked about an ASIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ask {
    /// Who sells it for how much.
    Sellers,
    /// Its variants.
    Variants,
}

/// How many tasks are in memory, and in one transaction.
const PIECE: usize = 500;
/// The longest line, in bytes.
const LONGEST: u64 = 1 << 20;

impl Source {
    /// Adds the secret to the address for results.
    pub fn address(&mut self, token: &Token, is_sandbox: bool) -> Result<(), Failure> {
        let add = |public| address(token, is_sandbox, public);
        self.to = self.postback.as_ref().map(add).transpose()?;
        Ok(())
    }

    /// Gives each piece with the place of its first task to `take`, and tells how many there were and what all cost at most.
    pub async fn each(
        &self,
        file: &Path,
        price: impl Fn(&[TaskRequest]) -> Decimal,
        mut take: impl AsyncFnMut(i64, &[TaskRequest]) -> Result<(), Failure>,
    ) -> Result<(u64, Decimal), Failure> {
        let (sender, mut pieces) = mpsc::channel(2);
        let (source, path) = (self.clone(), file.to_owned());
        // A stream may make us wait: a thread of its own does, and hears no stop.
        std::thread::spawn(move || {
            if let Err(failure) = source.read(&path, &sender) {
                let _nobody_listens_any_more = sender.blocking_send(Err(failure));
            }
        });
        let (mut count, mut most) = (0_i64, Decimal::ZERO);
        while let Some(piece) = pieces.recv().await {
            let piece: Vec<TaskRequest> = piece?;
            take(count, &piece).await?;
            (count, most) = (count + piece.len() as i64, most + price(&piece));
        }
        match count {
            0 => Err(Failure::usage(format!("{}: no tasks", shown(file)))),
            count => Ok((count.unsigned_abs(), most)),
        }
    }

    fn read(&self, file: &Path, to: &mpsc::Sender<Result<Vec<TaskRequest>, Failure>>) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::usage(format!("{}: {error}", shown(file)));
        let input: Box<dyn Read> = if file == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(file).map_err(failed)?)
        };
        let (mut input, mut line, mut piece) = (BufReader::new(input), Vec::new(), Vec::with_capacity(PIECE));
        for number in 1_u64.. {
            line.clear();
            if input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line).map_err(failed)? == 0 {
                break;
            }
            let task = std::str::from_utf8(&line).map_err(|error| error.to_string()).and_then(|text| self.task(text));
            let wrong = |why| Failure::usage(format!("{}: line {number}: {why}", shown(file)));
            piece.extend(task.map_err(wrong)?);
            if piece.len() == PIECE {
                // Who stopped does not want the rest.
                let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE));
                if to.blocking_send(Ok(full)).is_err() {
                    return Ok(());
                }
            }
        }
        if !piece.is_empty() {
            let _nobody_listens_any_more = to.blocking_send(Ok(piece));
        }
        Ok(())
    }

    /// What a line asks for; nothing if it is blank or a comment.
    fn task(&self, line: &str) -> Result<Option<TaskRequest>, String> {
        if line.len() as u64 > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let task: TaskRequest = match self.marketplace {
            Some(store) => {
                let asin: Asin = line.parse().map_err(|error| format!("`{line}`: {error}"))?;
                let (location, language) =
                    (Location::code(store.location_code()), Language::code(store.language_code()));
                match self.ask {
                    Ask::Sellers => SellersTask::new(asin, location, language).into(),
                    Ask::Variants => AsinTask::new(asin, location, language).into(),
                }
            }
            None if !line.starts_with('{') => {
                return Err("no task: for ASINs, one a line, say of which store: --marketplace".to_owned());
            }
            None => serde_json::from_str(line).map_err(|error| error.to_string())?,
        };
        let task = match self.mode {
            Some(Mode::Priority) => task.with_priority(Priority::High),
            Some(_) => task.with_priority(Priority::Normal),
            None => task,
        };
        let task = match &self.to {
            Some(to) => task.postback(to.clone()),
            None => task,
        };
        task.check().map_err(|rule| rule.to_string())?;
        Ok(Some(task))
    }
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}
