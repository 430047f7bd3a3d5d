// What every environment must be able to do; returns what the test compares.
export async function use({ init, BlindtallyError }) {
  await Promise.all([init(), init()]);
  await init();
  return { loaded: new BlindtallyError("code", "message").code };
}
