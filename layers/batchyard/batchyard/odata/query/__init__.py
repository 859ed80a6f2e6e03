"""What clients ask of an entity set after the `?` (OData 4.01 part 2, 5): read, bound to the model, and carried out.

Pure: text and rows in, values out; it knows neither HTTP nor a store, nor a family's model.
"""
