"""What to ask of vectors of Spanish words: analogies, families, neighbours. Written before any network was asked."""

ANALOGIES = {  # two pairs of a relation make a question: rey is to reina as hombre is to …
    "he, she": "rey reina, hombre mujer, niño niña, hermano hermana, padre madre, tío tía, actor actriz, él ella, "
    "príncipe princesa, esposo esposa",
    "-o, -a": "bueno buena, malo mala, pequeño pequeña, rojo roja, viejo vieja, blanco blanca, cansado cansada, "
    "ocupado ocupada, enfermo enferma, alto alta, nuevo nueva, solo sola",
    "one, many": "libro libros, perro perros, amigo amigos, hora horas, año años, casa casas, coche coches, "
    "gato gatos, flor flores, árbol árboles, ojo ojos, niño niños",
    "to eat, eats": "comer come, hablar habla, vivir vive, beber bebe, trabajar trabaja, escribir escribe, "
    "jugar juega, dormir duerme, ir va, hacer hace, estudiar estudia, dar da",
    "eats, was eating": "come comía, trabaja trabajaba, habla hablaba, es era, está estaba, tiene tenía, "
    "quiere quería, sabe sabía, hace hacía, puede podía",
    "eats, ate": "come comió, hace hizo, viene vino, pone puso, pierde perdió, escribe escribió, abre abrió, "
    "pregunta preguntó, toma tomó, está estuvo",
    "I, he": "tengo tiene, quiero quiere, sé sabe, hago hace, voy va, soy es, estoy está, puedo puede, vivo vive, "
    "vengo viene",
}
FAMILIES = {  # the word most like perro should be another animal
    "animals": "perro gato caballo vaca pájaro león elefante mono oso pez",
    "relatives": "padre madre hermano hermana tío tía abuelo abuela hijo hija",
    "food": "pan queso carne arroz pescado huevos sopa manzana",
    "drinks": "agua leche café té cerveza vino",
    "body": "ojos manos cabeza pelo nariz brazo pierna boca",
    "clothes": "camisa zapatos sombrero vestido abrigo falda",
    "rooms": "cocina habitación baño dormitorio sala jardín",
    "vehicles": "coche tren autobús avión barco bicicleta taxi",
    "professions": "médico abogado profesor policía escritor enfermera cantante",
    "countries": "francia alemania españa italia japón china",
    "languages": "inglés francés español alemán japonés chino",
    "colours": "rojo azul verde negro blanco amarillo",
    "numbers": "dos tres cuatro cinco seis siete ocho nueve",
    "days": "lunes martes miércoles jueves viernes sábado domingo",
    "months": "enero marzo abril mayo julio agosto octubre diciembre",
}
NEIGHBOURS = (
    "reina perro madrid rojo lunes comer tres médico feliz coche siempre padre libro rápidamente"
)
