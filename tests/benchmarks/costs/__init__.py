"""What requests cost: calls to the store, capacity, CPU, and dollars at list prices."""
