//! The same API in every format that vendors publish is one model.

use super::lines;
use crate::read::text_of_either_format as read;

const SWAGGER: &str = r##"{"swagger": "2.0", "info": {"version": "1", "title": "A", "description": "Prose."}, "host": "api.example", "basePath": "/v1",
  "schemes": ["https"], "consumes": ["application/json"], "produces": ["application/json"],
  "parameters": {"Lang": {"name": "lang", "in": "query", "type": "string", "description": "Prose."}},
  "paths": {"/items/{id}": {
    "parameters": [{"name": "id", "in": "path", "required": true, "type": "string"}],
    "put": {"operationId": "putItem", "summary": "Prose.", "tags": ["x"], "parameters": [
      {"$ref": "#/parameters/Lang"},
      {"name": "parts", "in": "query", "type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "collectionFormat": "csv", "default": "a"},
      {"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Item"}}],
     "responses": {"200": {"description": "Prose.", "schema": {"$ref": "#/definitions/Item"}, "headers": {"X-Rate": {"type": "string"}}}}}},
   "/hidden": {"get": {"operationId": "hidden", "x-amzn-api-internal": true, "responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/Hidden"}}}}}},
  "definitions": {"Hidden": {"type": "object", "properties": {"a": {"$ref": "#/definitions/Deep"}}}, "Deep": {"type": "string"},
   "Item": {"required": ["id"], "properties": {"id": {"type": "string", "example": 1}, "link": {"$ref": "#/definitions/Link", "x-nullable": true}, "any": {}}},
   "Link": {"type": "object", "additionalProperties": {"type": "integer"}}}}"##;

const OPENAPI_3_0: &str = r##"
openapi: 3.0.1
info: {title: Another title, version: "1"}
servers: [{url: "https://api.example/v1"}]
paths:
  /items/{id}:
    put:
      operationId: putItem
      parameters:
        - {name: parts, in: query, explode: false, schema: {type: array, default: [a], items: {type: string, enum: [b, a]}}}
        - {name: id, in: path, required: true, schema: {type: string}}
        - {$ref: '#/components/parameters/Lang'}
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Item'}}}}
      responses:
        200:
          description: Other prose.
          headers: {X-Rate: {schema: {type: string}}}
          content: {application/json: {schema: {allOf: [{$ref: '#/components/schemas/Item'}]}}}
components:
  parameters: {Lang: {name: lang, in: query, schema: {type: string}}}
  schemas:
    Link: {type: object, additionalProperties: {type: integer}}
    Item:
      type: object
      properties:
        any: {description: Prose.}
        link: {type: object, oneOf: [{$ref: '#/components/schemas/Link'}], nullable: true}
        id: {type: string}
      required: [id]
"##;

const OPENAPI_3_1: &str = r##"
openapi: 3.1.0
info: {title: A third title, version: "1"}
servers: [{url: "https://api.example/v1"}]
paths:
  /items/{id}:
    parameters: [{name: lang, in: query, schema: {type: string}}]
    put:
      operationId: putItem
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: parts, in: query, explode: false, schema: {type: array, default: [a], items: {type: string, enum: [a, b]}}}
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Item'}}}}
      responses:
        "200":
          description: ''
          headers: {X-Rate: {schema: {type: string}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Item'}}}
components:
  schemas:
    Link: {type: object, additionalProperties: {type: integer}}
    Item:
      properties: {any: true, id: {type: string}, link: {anyOf: [{$ref: '#/components/schemas/Link'}, {type: 'null'}]}}
      required: [id]
"##;

#[test]
fn all_formats_are_one_model() {
    let formats = [SWAGGER, OPENAPI_3_0, OPENAPI_3_1];
    for old in formats {
        for new in formats {
            assert_eq!(lines(&read(old).unwrap(), read(new).unwrap()), Vec::<String>::new(), "{old}\n{new}");
        }
    }
}

#[test]
fn what_the_vendor_marks_internal_is_named_and_left_out() {
    let spec = read(SWAGGER).unwrap();
    assert_eq!(spec.internal.iter().map(|operation| operation.name()).collect::<Vec<_>>(), ["hidden"]);
    assert_eq!(spec.operations.len(), 1);
    let names: Vec<&str> = spec.schemas.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Item", "Link"], "what only an internal operation uses is left out with it");
}

#[test]
fn impact_depends_on_the_way_that_a_value_travels() {
    let old = r##"{"openapi": "3.0.0", "info": {"version": "1"}, "paths": {"/a": {"post": {"operationId": "a",
      "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}},
      "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Out"}}}}}}}},
      "components": {"schemas": {
        "In": {"type": "object", "properties": {"x": {"type": "string", "enum": ["a", "b"], "maxLength": 5}}},
        "Out": {"type": "object", "properties": {"x": {"type": "string", "enum": ["a", "b"], "maxLength": 5}}}}}}"##;
    let changed = |from: &str, to: &str| {
        assert!(old.contains(from));
        lines(&read(old).unwrap(), read(&old.replace(from, to)).unwrap())
    };
    let required = changed(r#""type": "object", "p"#, r#""type": "object", "required": ["x"], "p"#);
    assert_eq!(
        required,
        [
            "breaking: In.x became required (/components/schemas/In/required)",
            "additive: Out.x became required (/components/schemas/Out/required)"
        ]
    );
    let fewer = changed(r#"["a", "b"]"#, r#"["b"]"#);
    assert_eq!(
        fewer,
        [
            r#"breaking: value "a" of In.x removed (/components/schemas/In/properties/x/enum)"#,
            r#"additive: value "a" of Out.x removed (/components/schemas/Out/properties/x/enum)"#
        ]
    );
    let shorter = changed(r#""maxLength": 5"#, r#""maxLength": 4"#);
    assert_eq!(
        shorter,
        [
            "breaking: maxLength of In.x is 4, was 5 (/components/schemas/In/properties/x/maxLength)",
            "additive: maxLength of Out.x is 4, was 5 (/components/schemas/Out/properties/x/maxLength)"
        ]
    );
    let nullable = changed(r#""maxLength": 5"#, r#""maxLength": 5, "nullable": true"#);
    assert_eq!(
        nullable,
        [
            "additive: In.x may be null (/components/schemas/In/properties/x/nullable)",
            "breaking: Out.x may be null (/components/schemas/Out/properties/x/nullable)"
        ]
    );
}

#[test]
fn what_is_no_specification_says_so() {
    assert!(read("{}").unwrap_err().contains("neither Swagger 2.0 nor OpenAPI 3"));
    assert!(read("a: [").is_err());
    let outside = r#"{"swagger": "2.0", "paths": {}, "definitions": {"A": {"$ref": "other.json#/B"}}}"#;
    assert_eq!(read(outside).unwrap_err(), "/definitions/A: `other.json#/B` is not a schema of this file");
}
