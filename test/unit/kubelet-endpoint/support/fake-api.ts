import type { KubeClient, KubeRequest, KubeResponse } from '../../../../src/kube/client.ts';

interface Review {
  readonly spec: {
    readonly token?: string;
    readonly user?: string;
    readonly groups?: string[];
    readonly resourceAttributes?: { readonly verb: string; readonly subresource: string; readonly name: string };
  };
}

export interface FakeApi {
  readonly client: KubeClient;
  readonly requests: KubeRequest[];
  /** Users by token. */
  readonly tokens: Map<string, { username: string; groups: string[] }>;
  /** What is allowed, as `user verb subresource`; `user *` for all. */
  readonly allowed: Set<string>;
  /** When set, every request fails. */
  down: boolean;
  /** Answers what is not a review. */
  other: (request: KubeRequest) => unknown;
}

function reply(status: number, body: unknown): KubeResponse {
  return { status, contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) };
}

/** An API server that reviews tokens and access from two tables. */
export function fakeApi(): FakeApi {
  const api: FakeApi = {
    requests: [],
    tokens: new Map(),
    allowed: new Set(),
    down: false,
    other: () => undefined,
    client: {
      async request(request) {
        api.requests.push(request);
        if (api.down) throw new Error('connection refused');
        const { spec } = (request.body ?? { spec: {} }) as Review;
        if (request.path.endsWith('/tokenreviews')) {
          const user = api.tokens.get(spec.token ?? '');
          return reply(201, { status: { authenticated: user !== undefined, user } });
        }
        if (request.path.endsWith('/subjectaccessreviews')) {
          const { verb, subresource } = spec.resourceAttributes ?? { verb: '', subresource: '' };
          const allowed = api.allowed.has(`${spec.user} ${verb} ${subresource}`) || api.allowed.has(`${spec.user} *`);
          return reply(201, { status: { allowed } });
        }
        const body = api.other(request);
        return body === undefined ? reply(404, { message: 'not found', reason: 'NotFound' }) : reply(200, body);
      },
      stream: () => Promise.reject(new Error('not used')),
      as: () => api.client,
      close: async () => undefined,
    },
  };
  return api;
}
