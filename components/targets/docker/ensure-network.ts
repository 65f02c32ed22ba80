import { engine, forPeople, required, unless } from "./engine.ts";

/** Makes the network NAME, unless there is one. */
await forPeople(async () => {
  const name = required("NAME");
  if ((await unless([404], engine.getNetwork(name).inspect())) !== undefined) return;
  // 409: somebody else was quicker.
  await unless([409], engine.createNetwork({ Name: name, CheckDuplicate: true }));
});
