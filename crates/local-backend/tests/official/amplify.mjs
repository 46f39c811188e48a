// aws-amplify v6, configured as for a custom domain.

import { Amplify } from 'aws-amplify';
import { apiKey, host, jwt, region } from './harness.mjs';

/** The claims of whoever is signed in; the token provider asks for them each time. */
export const signedIn = { sub: 'ann', name: 'Ann' };

export function configure() {
  const token = () => {
    const text = jwt(signedIn);
    const payload = JSON.parse(Buffer.from(text.split('.')[1], 'base64url').toString());
    return { payload, toString: () => text };
  };
  Amplify.configure(
    {
      API: {
        GraphQL: { endpoint: `https://${host}/graphql`, region, defaultAuthMode: 'apiKey', apiKey },
        Events: { endpoint: `https://${host}/event`, region, defaultAuthMode: 'apiKey', apiKey },
      },
    },
    {
      Auth: {
        tokenProvider: { getTokens: async () => ({ accessToken: token(), idToken: token() }) },
        credentialsProvider: {
          getCredentialsAndIdentityId: async () => ({
            credentials: {
              accessKeyId: process.env.AWS_ACCESS_KEY_ID,
              secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
              sessionToken: 'session-token',
            },
          }),
          clearCredentialsAndIdentityId: () => {},
        },
      },
    },
  );
}
