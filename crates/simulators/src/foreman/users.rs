//! The listing of users, as far as clients need it to find an id by a login.

use super::{
    order,
    parameters::Parameters,
    people::{People, Role, User},
    reply::{Reply, text},
    search::{self, LoginTest},
    tokens::root_name,
    wire::Envelope,
};

pub(super) fn index(
    people: &People,
    caller: &User,
    parameters: &Parameters,
) -> Result<Reply, Reply> {
    if !matches!(caller.role, Role::Admin | Role::Manager | Role::Viewer) {
        return Err(Reply::access_denied("view_users"));
    }
    let query = parameters.get("search").map(|search| search.to_text());
    let test = search::login_test(query.as_deref().unwrap_or_default());
    let matching: Vec<&User> = people
        .all()
        .iter()
        .filter(|user| match &test {
            LoginTest::All => true,
            LoginTest::Equal(login) => user.login == *login,
            LoginTest::Like(part) => user.login.to_lowercase().contains(&part.to_lowercase()),
        })
        .collect();
    let items: Vec<String> = matching.iter().map(|user| written(user)).collect();
    let envelope = Envelope {
        total: people.all().len(),
        subtotal: matching.len(),
        page: 1,
        per_page: parameters
            .get("per_page")
            .map_or(20, |size| super::ruby::to_i(&size.to_text())),
        search: query.as_deref(),
        sort: order::echo(parameters.get("order")),
        permissions: None,
        root_name: root_name(parameters).unwrap_or("results"),
    };
    Ok(Reply::success(200, envelope.around(&items.join(","))))
}

fn written(user: &User) -> String {
    format!(
        "{{\"firstname\":null,\"lastname\":null,\"mail\":{},\"admin\":{},\"disabled\":{},\"id\":{},\"login\":{}}}",
        text(&format!("{}@example.com", user.login)),
        user.role == Role::Admin,
        user.disabled,
        user.id,
        text(&user.login),
    )
}
