"""The one list of use cases, service requests, alert codes and objects. The device's packed tables come from here."""
