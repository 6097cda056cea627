import { type ClientSession, type MongoClient, MongoCompatibilityError } from 'mongodb';

/** Sessions of the driver that are kept from one command to the next: to make one for each is a tenth of its cost. */
export interface Sessions {
  /** One that nobody else uses; `undefined` where the driver may make its own. */
  take(): ClientSession | undefined;
  giveBack(session: ClientSession): void;
  /** After a command that failed: the session is not used again. Whether the failure was that servers have no sessions. */
  drop(session: ClientSession, error: unknown): boolean;
}

/**
 * As many as there can be connections, so that the server never has more than the driver's own way would make. Reads are
 * not ordered among each other, since none waits for what another has seen. None behind a load balancer, where a session
 * would hold its connection.
 */
export function createSessions(client: MongoClient): Sessions {
  const idle: ClientSession[] = [];
  const { loadBalanced, maxPoolSize = 100 } = client.options;
  let most = loadBalanced === true ? 0 : maxPoolSize;
  let made = 0;
  const drop = (session: ClientSession): void => {
    made -= 1;
    session.endSession().catch(() => {}); // frees what the driver holds, and asks nobody
  };
  return Object.freeze<Sessions>({
    take() {
      const kept = idle.pop();
      if (kept !== undefined) return kept;
      if (made >= most) return undefined;
      made += 1;
      return client.startSession({ causalConsistency: false });
    },
    giveBack: (session) => void idle.push(session),
    drop(session, error) {
      drop(session);
      if (!(error instanceof MongoCompatibilityError)) return false;
      most = 0;
      for (const one of idle.splice(0)) drop(one);
      return true;
    },
  });
}
