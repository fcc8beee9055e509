// Who there is.

export class Directory {
  #people;

  constructor(people) {
    this.#people = new Map(people.map((person) => [person.name, { ...person, isDisabled: false }]));
  }

  all() {
    return [...this.#people.values()];
  }

  person(name) {
    return this.#people.get(name);
  }

  /** As the library wants it; a disabled person has none, so that their refresh token is worth nothing. */
  account(name) {
    const person = this.person(name);
    if (!person || person.isDisabled) return undefined;
    return { accountId: name, claims: () => claims(person) };
  }
}

/** Somebody without a group has no claim of groups at all, as Keycloak has it. */
function claims({ name, first_name: firstName, email, groups }) {
  const told = { sub: name, name: firstName, given_name: firstName, preferred_username: name };
  return { ...told, email, email_verified: true, ...(groups.length ? { groups } : {}) };
}
