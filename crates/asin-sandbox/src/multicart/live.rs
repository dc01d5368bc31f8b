//! Collections, runs, postcodes and credits, for the page.

use serde_json::{Value, json};

use super::{Carts, CollectionRow, Place};

impl Carts {
    pub(crate) fn live(&self) -> Value {
        let collection = |row: &CollectionRow| {
            let items = self.items.iter().filter(|item| item.collection == row.id).count();
            let outputs = self.outputs.iter().filter(|output| output.collection == row.id).count();
            let runs: Vec<&str> = self
                .runs
                .iter()
                .filter(|run| run.collection == row.id)
                .map(|run| if run.finished() { "completed" } else { "processing" })
                .collect();
            json!({"id": row.id, "name": row.name, "items": items, "outputs": outputs, "runs": runs})
        };
        let place = |place: &Place| {
            json!({
                "zipcode": place.row.zipcode,
                "domain": self.domain(place.row.domain).map(|domain| &domain.domain),
                "status": place.row.status,
            })
        };
        json!({
            "credits": self.credits.spendable(),
            "collections": self.collections.iter().map(collection).collect::<Vec<_>>(),
            "postcodes": self.places.iter().map(place).collect::<Vec<_>>(),
        })
    }
}
