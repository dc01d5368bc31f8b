//! From where a page is looked at, and in which language.

use super::{
    InvalidRequest, invalid, said,
    wire::{Part, Wire},
};
use rust_decimal::Decimal;

/// The place from which a page is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location(Place);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Name(String),
    Code(i64),
    Coordinate(String),
}

const LOCATION: &str = "location_name, location_code, location_coordinate";

impl Location {
    /// By the vendor's code of it, such as 2840 for the United States.
    pub fn code(code: u32) -> Self {
        Self(Place::Code(code.into()))
    }

    /// By its full name, such as `HA1,England,United Kingdom`.
    ///
    /// # Errors
    /// When it is blank.
    pub fn name(name: impl Into<String>) -> Result<Self, InvalidRequest> {
        let name = name.into();
        said("location_name", &name).map(|()| Self(Place::Name(name)))
    }

    /// By degrees of latitude and longitude, at most 7 decimals each, and a radius of at least 199.9.
    ///
    /// # Errors
    /// When one of the three is outside its range.
    pub fn coordinate(latitude: Decimal, longitude: Decimal, radius: Decimal) -> Result<Self, InvalidRequest> {
        let degrees =
            |degrees: Decimal, most: i64| degrees.abs() <= Decimal::from(most) && degrees.normalize().scale() <= 7;
        if !degrees(latitude, 90) || !degrees(longitude, 180) {
            return Err(invalid("location_coordinate", "has degrees of at most 7 decimals, up to 90 and 180"));
        }
        if radius < Decimal::new(1999, 1) {
            return Err(invalid("location_coordinate", "has a radius of at least 199.9"));
        }
        let [latitude, longitude, radius] = [latitude, longitude, radius].map(|number| number.normalize());
        Ok(Self(Place::Coordinate(format!("{latitude},{longitude},{radius}"))))
    }

    /// Reads `latitude,longitude,radius`.
    fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let numbers: Vec<Decimal> = text.split(',').map_while(|number| number.trim().parse().ok()).collect();
        match numbers[..] {
            [latitude, longitude, radius] if text.split(',').count() == 3 => {
                Self::coordinate(latitude, longitude, radius)
            }
            _ => Err(invalid("location_coordinate", "must be `latitude,longitude,radius`")),
        }
    }
}

impl Part for Location {
    fn write(self, wire: &mut Wire) {
        match self.0 {
            Place::Name(name) => wire.location_name = Some(name),
            Place::Code(code) => wire.location_code = Some(code),
            Place::Coordinate(coordinate) => wire.location_coordinate = Some(coordinate),
        }
    }

    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest> {
        match (wire.location_name.take(), wire.location_code.take(), wire.location_coordinate.take()) {
            (Some(name), None, None) => Self::name(name),
            (None, Some(code), None) => Ok(Self(Place::Code(code))),
            (None, None, Some(coordinate)) => Self::parse(&coordinate),
            _ => Err(invalid(LOCATION, "must be exactly one")),
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        match self.0 {
            Place::Code(..=0) => Err(invalid("location_code", "must be above 0")),
            _ => Ok(()),
        }
    }
}

/// The language in which a page is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Language(Word);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Word {
    Name(String),
    Code(String),
}

impl Language {
    /// By the vendor's code of it, such as `en_US`; at Google, `en`.
    pub fn code(code: impl Into<String>) -> Self {
        Self(Word::Code(code.into()))
    }

    /// By its full name, such as `English (United Kingdom)`.
    ///
    /// # Errors
    /// When it is blank.
    pub fn name(name: impl Into<String>) -> Result<Self, InvalidRequest> {
        let name = name.into();
        said("language_name", &name).map(|()| Self(Word::Name(name)))
    }
}

impl Part for Language {
    fn write(self, wire: &mut Wire) {
        match self.0 {
            Word::Name(name) => wire.language_name = Some(name),
            Word::Code(code) => wire.language_code = Some(code),
        }
    }

    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest> {
        match (wire.language_name.take(), wire.language_code.take()) {
            (Some(name), None) => Self::name(name),
            (None, Some(code)) => Ok(Self(Word::Code(code))),
            _ => Err(invalid("language_name, language_code", "must be exactly one")),
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        match &self.0 {
            Word::Code(code) => said("language_code", code),
            Word::Name(_) => Ok(()),
        }
    }
}
