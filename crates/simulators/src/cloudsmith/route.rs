//! The endpoints, and the methods that each serves.

use http::Method;

/// An endpoint, independent of the version in the path.
pub(super) enum Route<'a> {
    CurrentUser,
    Login,
    Tokens,
    Refresh(&'a str),
    Limits,
    Services(&'a str),
    Service(&'a str, &'a str),
    RefreshService(&'a str, &'a str),
}

impl Route<'_> {
    /// Returns the served methods.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::CurrentUser | Self::Limits => &[Method::GET],
            Self::Login => &[Method::POST],
            Self::Tokens => &[Method::GET, Method::POST],
            Self::Refresh(_) => &[Method::PUT],
            Self::Services(_) => &[Method::GET, Method::POST],
            Self::Service(..) => &[Method::GET, Method::PATCH, Method::DELETE],
            Self::RefreshService(..) => &[Method::POST],
        }
    }

    /// Returns the `Allow` header.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::CurrentUser | Self::Limits => "GET, HEAD, OPTIONS",
            Self::Login | Self::RefreshService(..) => "POST, OPTIONS",
            Self::Tokens | Self::Services(_) => "GET, POST, HEAD, OPTIONS",
            Self::Refresh(_) => "PUT, OPTIONS",
            Self::Service(..) => "GET, PATCH, DELETE, HEAD, OPTIONS",
        }
    }
}

/// Finds the endpoint of a path.
pub(super) fn route<'a>(segments: &[&'a str]) -> Option<Route<'a>> {
    let path = match segments {
        ["v1", rest @ ..] => rest,
        all => all,
    };
    Some(match path {
        ["user", "self"] => Route::CurrentUser,
        ["user", "token"] => Route::Login,
        ["user", "tokens"] => Route::Tokens,
        ["user", "tokens", slug, "refresh"] => Route::Refresh(slug),
        ["rates", "limits"] => Route::Limits,
        ["orgs", org, "services"] => Route::Services(org),
        ["orgs", org, "services", slug] => Route::Service(org, slug),
        ["orgs", org, "services", slug, "refresh"] => Route::RefreshService(org, slug),
        _ => return None,
    })
}
