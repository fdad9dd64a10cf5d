//! The listing of users and the current one, reduced to what clients need to tell who is who.

use super::{
    order,
    parameters::Parameters,
    reply::{Reply, json_string},
    ruby,
    search::{self, LoginTest},
    users::{Permission, Role, User, Users},
    wire::Envelope,
};

pub(super) fn index(users: &Users, caller: &User, parameters: &Parameters) -> Result<Reply, Reply> {
    if !caller.role.has(Permission::View) {
        return Err(Reply::access_denied("view_users"));
    }
    let query = parameters.get("search").map(|search| search.to_text());
    let test = search::login_test(query.as_deref().unwrap_or_default());
    let matching: Vec<&User> = users
        .all()
        .iter()
        .filter(|user| match &test {
            LoginTest::All => true,
            LoginTest::Equal(login) => user.login == *login,
            LoginTest::Like(part) => user.login.to_lowercase().contains(&part.to_lowercase()),
        })
        .collect();
    let items: Vec<String> = matching.iter().map(|user| to_json(user)).collect();
    let envelope = Envelope {
        total: users.all().len(),
        subtotal: matching.len(),
        page: 1,
        per_page: parameters
            .get("per_page")
            .map_or(20, |size| ruby::to_i(&size.to_text())),
        search: query.as_deref(),
        sort: order::echo(parameters.get("order")),
        permissions: None,
        root_name: parameters.root_name().unwrap_or("results"),
    };
    Ok(Reply::success(200, envelope.to_json(&items)))
}

/// Serves `/api/current_user`, which needs no permission.
pub(super) fn current(caller: &User) -> Reply {
    Reply::success(200, to_json(caller))
}

fn to_json(user: &User) -> String {
    format!(
        "{{\"firstname\":null,\"lastname\":null,\"mail\":{},\"admin\":{},\"disabled\":{},\
         \"id\":{},\"login\":{}}}",
        json_string(&format!("{}@example.com", user.login)),
        user.role == Role::Admin,
        user.disabled,
        user.id,
        json_string(&user.login),
    )
}
