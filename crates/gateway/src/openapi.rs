//! The `OpenAPI` document, from the handlers and the shapes in `wire/`; scopes come from the table of operations.

use std::collections::BTreeMap;

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi as _, ToSchema};

use crate::operation::{Entry, Op, Verb};
use crate::problem::ProblemBody;
use crate::{
    catalog, event, fulfillment, health, hold, mall, order, parked, payment, period, place, policy, provider, refund,
    returns, stock, submit, webhook,
};

/// The document, pretty printed; the same text each time.
pub fn openapi_json() -> String {
    let mut text = document().to_pretty_json().expect("the document is plain JSON");
    text.push('\n');
    text
}

fn document() -> OpenApi {
    Document::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Holdline",
        description = "Places orders without ever overselling.\n\nMoney is integer minor units. Instants are RFC 3339 in \
            UTC. Lists are read by cursor. Everything that is not a success is `application/problem+json` with a stable \
            `code`. Every answer has an `X-Request-Id`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        place::place, order::list, order::get, order::cancel, order::get_group, order::get_group_by_key,
        order::abandon, submit::get, catalog::get_seller, catalog::put_seller, catalog::get_sku, catalog::put_sku,
        catalog::put_skus, stock::list, stock::get, stock::movements, stock::adjust, stock::put_flags, period::list, period::put, hold::take, hold::get, hold::commit,
        hold::release, hold::extend, event::list, parked::list, parked::retry, parked::skip, webhook::list, webhook::get,
        webhook::put, webhook::rotate, webhook::deliveries, webhook::redeliver, mall::submit, mall::is_created,
        payment::pay_order, payment::pay_group,
        payment::list, payment::get, payment::unsettled, payment::settle_callback, refund::create, refund::list,
        fulfillment::ship, fulfillment::list, fulfillment::deliver, fulfillment::receive, fulfillment::pause,
        fulfillment::resume, returns::request, returns::list, returns::approve, returns::reject, returns::receive, provider::list, provider::put,
        provider::callback, policy::get, policy::put, health::health,
        health::readiness, health::metrics, health::openapi
    ),
    components(schemas(ProblemBody<'static>)),
    security(("api_key" = [])),
    modifiers(&Key, &Scopes),
    tags(
        (name = "orders", description = "Placing, reading and cancelling orders."),
        (name = "catalog", description = "Sellers and SKUs."),
        (name = "stock", description = "What is there, what is promised, and every change of it."),
        (name = "holds", description = "Stock held for orders that are kept elsewhere."),
        (name = "events", description = "What happened to orders, and who could not work it off."),
        (name = "webhooks", description = "Where events are sent."),
        (name = "payments", description = "Attempts to pay, what they captured, and what goes back."),
        (name = "fulfillment", description = "Shipments, arrivals, stops, and goods that come back."),
        (name = "tenant", description = "What a tenant decides once: policies and accounts at payment providers."),
        (name = "mall", description = "The same in the words of the source documents, for storefronts that speak them."),
        (name = "process", description = "The process itself; no key is needed."),
    )
)]
struct Document;

/// How a caller shows who it is.
struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("An API key: `hl_` and its secret.".to_owned());
        let components = document.components.get_or_insert_default();
        components.security_schemes.insert("api_key".to_owned(), SecurityScheme::Http(scheme).into());
    }
}

/// Writes the scopes of each operation into its description.
struct Scopes;

impl Modify for Scopes {
    fn modify(&self, document: &mut OpenApi) {
        for Entry { path, verb, scopes, .. } in Op::ALL.iter().map(|op| op.entry()) {
            let operation = document.paths.paths.get_mut(path).and_then(|item| operation_mut(item, verb));
            let (Some(operation), Some(scopes)) = (operation, scopes) else { continue };
            let scopes: Vec<_> = scopes.iter().map(|scope| format!("`{}`", scope.as_str())).collect();
            let sentence = format!("A key needs one of these scopes: {}.", scopes.join(", "));
            let description = operation.description.take().filter(|text| !text.is_empty());
            operation.description = Some(match description {
                Some(description) => format!("{description}\n\n{sentence}"),
                None => sentence,
            });
        }
    }
}

fn operation_mut(item: &mut PathItem, verb: Verb) -> Option<&mut Operation> {
    match verb {
        Verb::Get => item.get.as_mut(),
        Verb::Post => item.post.as_mut(),
        Verb::Put => item.put.as_mut(),
    }
}

/// The problems that every operation with a key may answer.
pub(crate) struct Problems;
/// The problems that an operation with a body may answer besides.
pub(crate) struct BodyProblems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("400", "The request cannot be understood."),
            ("401", "`api_key_missing`, `api_key_invalid`."),
            ("403", "`scope_missing`."),
            ("404", "It does not exist, or the key may not see it."),
            ("422", "A value is not valid, or a business reason stands in the way."),
            ("431", "The head is too large. No body."),
            ("500", "`internal`: a defect in this server."),
            ("503", "`busy`, `unavailable`, `store_full`, `outcome_unknown`: try again after `Retry-After`."),
        ])
    }
}

impl IntoResponses for BodyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("408", "`request_timeout`: the body did not arrive in time."),
            ("413", "`body_too_large`: a body may have 256 KiB."),
            ("415", "`unsupported_media_type`: the body must be JSON."),
        ])
    }
}

fn problems(statuses: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let problem = |(status, description): &(&str, &str)| {
        let response = ResponseBuilder::new().description(*description);
        let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name(ProblemBody::name()))));
        // hyper answers a too large head by itself, without a body.
        let has_body = *status != "431";
        let response = if has_body { response.content("application/problem+json", content) } else { response };
        ((*status).to_owned(), response.build().into())
    };
    statuses.iter().map(problem).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn json() -> Value {
        serde_json::from_str(&openapi_json()).unwrap()
    }

    #[test]
    fn describes_exactly_the_operations_of_the_table() {
        let document = json();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (verb, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                described.insert((verb.to_uppercase(), path.clone(), id));
            }
        }
        let table = Op::ALL.iter().map(|op| op.entry());
        let table: BTreeSet<_> =
            table.map(|entry| (entry.verb.method().to_string(), entry.path.to_owned(), entry.id.to_owned())).collect();
        assert_eq!(described, table);
    }

    #[test]
    fn every_operation_says_its_parameters_answers_and_problems() {
        let document = json();
        for entry in Op::ALL.iter().map(|op| op.entry()) {
            let operation = &document["paths"][entry.path][entry.verb.method().as_str().to_lowercase()];
            let named: Vec<_> = operation["parameters"].as_array().into_iter().flatten().collect();
            for parameter in entry.path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
                assert!(
                    named.iter().any(|each| each["name"] == parameter && each["in"] == "path"),
                    "{}: {parameter}",
                    entry.id
                );
            }
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{}", entry.id);
            assert!(answers.iter().all(|(_, answer)| !answer["description"].as_str().unwrap().is_empty()));
            if entry.scopes.is_some() {
                for status in ["401", "403", "404", "503"] {
                    assert!(answers.contains_key(status), "{}: {status}", entry.id);
                }
                assert!(operation["description"].as_str().unwrap().contains("scopes"), "{}", entry.id);
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_the_text_is_stable() {
        let text = openapi_json();
        assert_eq!(text, openapi_json());
        let document = json();
        for reference in text.split("\"$ref\": \"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
