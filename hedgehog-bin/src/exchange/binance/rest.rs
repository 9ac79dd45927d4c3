//! One HTTP request and what its answer means.
//!
//! Invariant: a request is sent at most once. The only repetition is after −1021, which the exchange answers before the
//! request reaches anything.

use super::clock::{ServerClock, local_now};
use super::rate_gate::RateGate;
use super::signing::{query_string, signature};
use super::socket::install_tls_provider;
use crate::exchange::{Credentials, Endpoints, ExchangeError};
use reqwest::{Method, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// `exchangeInfo` weighs megabytes.
const LARGE_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after a refusal that names none.
const RATE_LIMIT_PAUSE: Duration = Duration::from_mins(1);
const BAN_PAUSE: Duration = Duration::from_mins(2);

/// The exchange's code for a timestamp outside its window.
const BAD_TIMESTAMP: i32 = -1021;

/// The HTTP side of one account on one exchange.
#[derive(Debug)]
pub(super) struct Rest {
    http: reqwest::Client,
    endpoints: Endpoints,
    credentials: Credentials,
    clock: ServerClock,
    gate: RateGate,
}

/// Why there is no answer, and whether the request may have had an effect all the same.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: ExchangeError,
    /// True unless it is certain that the request did nothing.
    pub(super) may_have_happened: bool,
}

impl Failure {
    fn without_effect(error: ExchangeError) -> Self {
        Self {
            error,
            may_have_happened: false,
        }
    }

    fn maybe_done(error: ExchangeError) -> Self {
        Self {
            error,
            may_have_happened: true,
        }
    }
}

impl From<Failure> for ExchangeError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Rest {
    pub(super) fn new(endpoints: Endpoints, credentials: Credentials) -> Result<Self, ExchangeError> {
        install_tls_provider();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A redirected POST would be a second POST.
            .redirect(reqwest::redirect::Policy::none());
        if endpoints.rest.scheme() == "http" {
            // The simulator needs no certificates, and a machine without any must still run it.
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| transport("preparing the HTTP client".to_owned(), error))?;
        Ok(Self {
            http,
            endpoints,
            credentials,
            clock: ServerClock::default(),
            gate: RateGate::default(),
        })
    }

    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A request that needs no key.
    pub(super) async fn public(&self, path: &str) -> Result<Vec<u8>, ExchangeError> {
        Ok(self.send(&Method::GET, path, "", false, LARGE_ANSWER_TIMEOUT).await?)
    }

    /// A request in the account's name.
    pub(super) async fn signed<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Failure> {
        if !self.clock.is_set() {
            self.read_clock().await.map_err(Failure::without_effect)?;
        }
        let answer = match self.sign_and_send(&method, path, parameters).await {
            Err(Failure {
                error: ExchangeError::Api {
                    code: BAD_TIMESTAMP, ..
                },
                ..
            }) => {
                self.read_clock().await.map_err(Failure::without_effect)?;
                self.sign_and_send(&method, path, parameters).await?
            }
            answer => answer?,
        };
        read(&doing(&method, path), &answer).map_err(Failure::maybe_done)
    }

    async fn sign_and_send(
        &self,
        method: &Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u8>, Failure> {
        let timestamp = self.clock.now().to_string();
        let unsigned = query_string(&[parameters, &[("timestamp", &timestamp)]].concat());
        let signature = signature(self.credentials.secret(), &unsigned);
        self.send(
            method,
            path,
            &format!("{unsigned}&signature={signature}"),
            true,
            REQUEST_TIMEOUT,
        )
        .await
    }

    async fn read_clock(&self) -> Result<(), ExchangeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Time {
            server_time: i64,
        }
        let path = "/api/v3/time";
        let asked = local_now();
        let answer = self.send(&Method::GET, path, "", false, REQUEST_TIMEOUT).await?;
        let time: Time = read(&doing(&Method::GET, path), &answer)?;
        self.clock.set(time.server_time, asked);
        Ok(())
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        keyed: bool,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        if let Some(retry_after) = self.gate.closed_for() {
            return Err(Failure::without_effect(ExchangeError::RateLimited { retry_after }));
        }
        let doing = || {
            format!(
                "{} at {}",
                doing(method, path),
                self.endpoints.rest.origin().ascii_serialization()
            )
        };
        let mut url = self.endpoints.rest_url(path);
        url.set_query((!query.is_empty()).then_some(query));
        let mut request = self.http.request(method.clone(), url).timeout(limit);
        if keyed {
            request = request.header("X-MBX-APIKEY", self.credentials.key());
        }
        let response = request.send().await.map_err(|error| {
            // Without a connection nothing was sent; any later break leaves the outcome open.
            let may_have_happened = !error.is_connect() && !error.is_builder();
            Failure {
                error: transport(doing(), error),
                may_have_happened,
            }
        })?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = response
            .bytes()
            .await
            .map_err(|error| Failure::maybe_done(transport(doing(), error)))?;
        if status.is_success() {
            return Ok(body.into());
        }
        let failure = classify(status, retry_after, &body, &doing());
        if let ExchangeError::RateLimited { retry_after } = failure.error {
            tracing::warn!(
                "the exchange wants a pause of {}s (HTTP {})",
                retry_after.as_secs(),
                status.as_u16()
            );
            self.gate.close(retry_after);
        }
        Err(failure)
    }
}

/// What an answer other than 2xx means (rest-api, "HTTP Return Codes"; errors.md).
fn classify(status: StatusCode, retry_after: Option<Duration>, body: &[u8], doing: &str) -> Failure {
    #[derive(Deserialize)]
    struct ApiError {
        code: i32,
        #[serde(default)]
        msg: String,
    }
    let api_error = serde_json::from_slice::<ApiError>(body);
    match (status.as_u16(), api_error) {
        (429, _) => Failure::without_effect(ExchangeError::RateLimited {
            retry_after: retry_after.unwrap_or(RATE_LIMIT_PAUSE),
        }),
        (418, _) => Failure::without_effect(ExchangeError::RateLimited {
            retry_after: retry_after.unwrap_or(BAN_PAUSE),
        }),
        (status @ 500.., _) => Failure::maybe_done(ExchangeError::Server { status }),
        (400..=499, Ok(ApiError { code, msg })) => Failure {
            // "Unknown", "disconnected", "unexpected answer" and "timeout" come from between the front and the engine.
            may_have_happened: matches!(code, -1000 | -1001 | -1006 | -1007),
            error: ExchangeError::Api { code, message: msg },
        },
        (status, _) => Failure {
            // 4xx is refused in front of the engine, whatever wrote the text; 1xx and 3xx are not in the documentation.
            may_have_happened: !(400..=499).contains(&status),
            error: unreadable(doing, format!("HTTP {status}: {}", excerpt(body))),
        },
    }
}

/// Whole seconds; the other form that HTTP allows, a date, is never sent.
fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

fn read<T: DeserializeOwned>(doing: &str, answer: &[u8]) -> Result<T, ExchangeError> {
    serde_json::from_slice(answer).map_err(|error| unreadable(doing, format!("{error}: {}", excerpt(answer))))
}

pub(super) fn unreadable(doing: &str, detail: String) -> ExchangeError {
    ExchangeError::Protocol {
        doing: doing.to_owned(),
        detail,
    }
}

fn doing(method: &Method, path: &str) -> String {
    format!("{method} {path}")
}

/// The URL is taken out of the error: it carries the signature.
fn transport(doing: String, error: reqwest::Error) -> ExchangeError {
    ExchangeError::Transport {
        doing,
        source: Arc::new(error.without_url()),
    }
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}
