// A certified OpenID provider on loopback, for one client and one person. Arguments: port, JSON of settings.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, settings] = [Number(process.argv[2]), JSON.parse(process.argv[3])];
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: "us",
    redirect_uris: [settings.redirect_uri],
    post_logout_redirect_uris: [settings.signed_out_uri],
    response_types: ["code"],
    grant_types: ["authorization_code"],
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "ES256",
    id_token_signed_response_alg: "ES256",
    jwks: { keys: [settings.client_key] },
  }],
  jwks: { keys: [settings.provider_key] },
  clientAuthMethods: ["private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: ["ES256"], idTokenSigningAlgValues: ["ES256"] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    rpInitiatedLogout: { enabled: true },
  },
  acrValues: ["idporten-loa-high", "idporten-loa-substantial"],
  claims: { openid: ["sub", "pid"], profile: [], acr: null },
  conformIdTokenClaims: false,
  interactions: { url: (_ctx, interaction) => `/person/${interaction.uid}` },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, pid: settings.pid }) }),
  cookies: { keys: ["test"] },
});

const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith("/person/")) return answer(request, response);
  const { params, session } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: "person", clientId: params.client_id });
  grant.addOIDCScope("openid profile");
  const grantId = session ? await grant.save() : undefined;
  const login = { accountId: "person", acr: settings.acr };
  await provider.interactionFinished(request, response, session ? { consent: { grantId } } : { login });
}).listen(port, "127.0.0.1", () => console.log("ready"));
