/** Where a dashboard goes. */
export interface Place {
  uid: string;
  /** Chosen when the dashboard is opened. */
  dataSource: { uid: string; name: string };
}

interface Model {
  uid: string;
  templating: { list: { type: string; current?: object }[] };
}

/** JSON text of a dashboard for one Grafana, of one that is meant for any. */
export function placedDashboard(text: string, { uid, dataSource }: Place): string {
  const model = JSON.parse(text) as Model;
  const list = model.templating.list.map((variable) =>
    variable.type === "datasource"
      ? { ...variable, current: { text: dataSource.name, value: dataSource.uid } }
      : variable,
  );
  return JSON.stringify({ ...model, uid, templating: { ...model.templating, list } });
}
